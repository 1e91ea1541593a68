"""The worked questions and the dashboard's queries, asked as an analyst on a small population. On real Postgres."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, LiteralString, cast

import numpy as np
import psycopg
import pytest
import yaml

from aurora.database.grants import ANALYST
from infra.dashboard import APP
from pipelines.transformation.generate import MODELS, generated_files
from pipelines.transformation.generated.dictionary import seen_by_analysts
from pipelines.transformation.questions import DEMO_COMMANDS, PAGE, ask, page, read_questions
from tests.fixtures.simulated_warehouse import COHORT, DAYS, ENDS_ON, PEOPLE, PREDICTED_AT, TRAINED_AT

OF_MODELS: Final = "9."
"""The question whose answer rests on trained models."""
QUERIES: Final = sorted((APP.parent / "queries").glob("*.sql"))
"""Of the dashboard."""
_COLUMN_ARGUMENTS: Final = (
    "x", "y", "color", "error_y", "error_y_minus", "facet_col", "line_dash", "pattern_shape",
)  # fmt: skip


@pytest.fixture
def analyst(simulated_warehouse: str, role_url: Callable[..., str]) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(role_url(ANALYST, simulated_warehouse), autocommit=True) as connection:
        yield connection


def test_there_are_ten_questions_each_with_what_to_mind_and_its_sql_on_the_page() -> None:
    questions = read_questions()
    written = PAGE.read_text(encoding="utf-8")

    assert len(questions) == 10
    for question in questions:
        assert question.title.endswith("?"), question.name
        assert question.notes, question.name
        assert f". {question.title}\n" in written
        assert f"```sql\n{question.sql}\n```" in written, question.name


def test_the_page_shows_what_the_questions_answer(
    analyst: psycopg.Connection[Any], pytestconfig: pytest.Config
) -> None:
    answered = [(question, ask(analyst, question)) for question in read_questions()]
    if pytestconfig.getoption("--write-answers"):
        PAGE.write_text(page(answered), encoding="utf-8")
    shown, found = sections(PAGE.read_text(encoding="utf-8")), sections(page(answered))
    models, models_found = cells(shown.pop(OF_MODELS)), cells(found.pop(OF_MODELS))

    assert [question.name for question, answer in answered if not answer.rows] == []
    assert shown == found
    # How trees are grown differs a little from one version of their library, and from one processor, to another.
    assert [row[:6] for row in models] == [row[:6] for row in models_found]
    assert [[float(cell) for cell in row[6:]] for row in models[1:]] == [
        [pytest.approx(float(cell), rel=0.1, abs=0.05) for cell in row[6:]] for row in models_found[1:]
    ]


def test_the_commands_of_the_page_make_the_people_that_it_is_tested_with() -> None:
    hours = {as_of.hour for as_of in PREDICTED_AT}

    assert f"simulate --users {PEOPLE} --days {DAYS} --seed 7 --ends-on {ENDS_ON}" in DEMO_COMMANDS
    assert f"train --as-of {TRAINED_AT:%Y-%m-%dT%H:%M:%S} --cohort {COHORT}" in DEMO_COMMANDS
    assert f"for day in {' '.join(f'{as_of:%d}' for as_of in PREDICTED_AT)}; do" in DEMO_COMMANDS
    assert [f"--as-of 2026-05-${{day}}T{hour:02}:00:00" in DEMO_COMMANDS for hour in hours] == [True]


def sections(text: str) -> dict[str, str]:
    """Number of a question → its part of the page; what comes before the first is under `#`."""
    return {part.split(maxsplit=1)[0]: part for part in text.split("\n## ")}


def cells(section: str) -> list[list[str]]:
    """The rows of its table, the names of the columns first."""
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return [row for row in rows if set(row) != {"---"}]


def test_energy_after_longer_nights_is_the_correlation_within_people(
    analyst: psycopg.Connection[Any], simulated_warehouse: str
) -> None:
    with psycopg.connect(simulated_warehouse) as owner:
        rows = owner.execute(
            "select user_id, energy_mean, sleep_minutes / 60 from marts.daily_summary"
            " where energy_mean is not null and sleep_minutes is not null"
        ).fetchall()
    energy, sleep = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
    for person in {row[0] for row in rows}:
        of = np.array([row[0] == person for row in rows])
        energy[of] -= energy[of].mean()
        sleep[of] -= sleep[of].mean()

    [question] = [question for question in read_questions() if question.name.startswith("05")]
    [(cohort, r, slope, days)] = ask(analyst, question).rows
    assert (cohort, days) == (COHORT, len(rows))
    assert float(r) == pytest.approx(np.corrcoef(energy, sleep)[0, 1], abs=0.0051)
    assert float(slope) == pytest.approx(np.polyfit(sleep, energy, 1)[0], abs=0.0051)


def test_people_are_counted_once(analyst: psycopg.Connection[Any]) -> None:
    [question] = [question for question in read_questions() if question.name.startswith("02")]
    [(cohort, people, *_)] = ask(analyst, question).rows

    assert (cohort, people) == (COHORT, PEOPLE)


def test_the_data_dictionary_describes_just_the_columns_that_analysts_see(
    analyst: psycopg.Connection[Any],
) -> None:
    described: dict[str, list[str]] = {}
    text = generated_files()["docs/data-dictionary.md"]
    for section in text.split("\n## ")[1:]:
        view, *lines = section.splitlines()
        described[view] = [line.split("`")[1] for line in lines if line.startswith("| `")]
    seen: dict[str, list[str]] = {}
    for view, column, comment in analyst.execute(
        "select table_name, column_name, col_description((table_schema || '.' || table_name)::regclass,"
        " ordinal_position) from information_schema.columns where table_schema = 'analysts'"
        " order by ordinal_position"
    ):
        seen.setdefault(view, []).append(column)
        assert comment, f"{view}.{column}"
        assert " ".join(comment.split()) in text, f"{view}.{column}"

    assert described == seen


def test_a_generated_mart_is_described_before_it_is_on_disk() -> None:
    from pipelines.transformation.generated.dictionary import dictionary_files

    mart = {
        "name": "tomorrow",
        "description": "One row per day.",
        "columns": [
            {"name": "user_id", "data_type": "uuid", "description": "The person."},
            {"name": "said", "data_type": "text", "description": "Words."},
        ],
    }
    [text] = dictionary_files({"marts/_tomorrow.yml": yaml.safe_dump({"models": [mart]})}).values()

    assert "## tomorrow" in text
    assert MODELS not in text.split("## tomorrow")[1].split("## ")[0]
    assert "`said`" not in text


@pytest.mark.parametrize("text", [None, "words"])
def test_text_that_is_words_or_undeclared_is_left_out(text: str | None) -> None:
    column = {"name": "x", "data_type": "text", "description": "", "config": {"meta": {"text": text}}}

    assert seen_by_analysts(column) is None


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.stem)
def test_each_query_of_the_dashboard_gives_the_columns_that_its_charts_draw(
    query: Path, analyst: psycopg.Connection[Any]
) -> None:
    definition = yaml.safe_load((APP.parent / "dashboard.yaml").read_text(encoding="utf-8"))
    figures = [
        component["figure"]
        for dashboard_page in definition["pages"]
        for component in dashboard_page["components"]
        if component["figure"]["data_frame"] == query.stem
    ]
    cursor = analyst.execute(cast("LiteralString", query.read_text(encoding="utf-8")))
    columns = {column.name for column in cursor.description or ()}
    rows = cursor.fetchall()

    assert rows
    assert figures, "a query that no chart draws"
    for figure in figures:
        drawn = {figure[name] for name in _COLUMN_ARGUMENTS if name in figure} | set(
            figure.get("hover_data", [])
        )
        assert drawn <= columns
        assert set(figure.get("labels", {})) <= columns
    # The dashboard's filter: without the column a chart would stand outside it.
    assert "cohort" in columns


def test_every_chart_has_its_query() -> None:
    definition = yaml.safe_load((APP.parent / "dashboard.yaml").read_text(encoding="utf-8"))
    drawn = {
        component["figure"]["data_frame"]
        for dashboard_page in definition["pages"]
        for component in dashboard_page["components"]
    }

    assert drawn == {query.stem for query in QUERIES}
