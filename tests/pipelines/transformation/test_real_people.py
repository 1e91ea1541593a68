"""What the warehouse tells of real people, against the files that it came from: a few of LifeSnaps and of SoccerMon,
chosen for how their sources fell silent, with all of their days.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from statistics import mean
from typing import Any, LiteralString

import polars as pl
import psycopg
import pytest
from psycopg.rows import dict_row

from aurora.database.grants import PIPELINES
from pipelines.transformation.warehouse import build_warehouse
from tests.fixtures import service_run
from tests.fixtures.database import fresh_database
from tests.pipelines.ingestion.imports import run_import
from tests.pipelines.transformation.studies import (
    ANSWERED_WITHOUT_THE_WATCH,
    CAME_LATE,
    LEFT_THE_TEAM,
    LEFT_WITH_THE_ROUND,
    NEVER_SLEPT_WITH_THE_WATCH,
    PEOPLE,
    STOPPED_SLEEPING_WITH_THE_WATCH,
    STUDIES,
    TRAINED_WITHOUT_REPORTS,
    WORE_IT_THROUGHOUT,
)
from tests.pipelines.transformation.told_coverage import Coverage, coverage_of_all
from tests.pipelines.transformation.told_scores import scores_of

pytestmark = [pytest.mark.datasets, pytest.mark.slow]

Rows = list[dict[str, Any]]
Ask = Callable[[LiteralString], Rows]
Told = dict[str, dict[date, dict[str, Any]]]
"""Person → day → what the file says of it."""

_OF_THE_DAY = ("steps", "resting_heart_rate_bpm", "hrv_rmssd_ms")

SILENCES = {
    (NEVER_SLEPT_WITH_THE_WATCH, "sleep.recorded"): "never told, though this source tells it of others",
    (LEFT_WITH_THE_ROUND, "steps.counted"): "nothing after 2021-08-01, like all else from this source",
    (STOPPED_SLEEPING_WITH_THE_WATCH, "sleep.recorded"): "begins on 2021-06-16, the source on 2021-06-15; "
    "129 of 166 days missing in between, most in a row 27 from 2021-10-19; "
    "nothing after 2021-11-28, though the source went on",
    (ANSWERED_WITHOUT_THE_WATCH, "steps.counted"): "nothing after 2021-10-08, though the source went on",
    (WORE_IT_THROUGHOUT, "exercise.recorded"): None,
    (
        TRAINED_WITHOUT_REPORTS,
        "energy.rated",
    ): "287 of 525 days missing in between, most in a row 59 from 2021-05-12; "
    "nothing after 2021-08-26, though the source went on",
    (
        LEFT_THE_TEAM,
        "exercise.recorded",
    ): "100 of 495 days missing in between, most in a row 24 from 2020-11-18; "
    "nothing after 2021-07-24, like all else from this source",
    (CAME_LATE, "mood.rated"): "39 of 149 days missing in between, most in a row 11 from 2021-12-01; "
    "nothing after 2021-12-29, like all else from this source",
}
"""What is missing of some people and kinds of event, in the words of the mart."""


@pytest.fixture(scope="module")
def ask(
    postgres_admin_url: str,
    template_database: str,
    role_url: Callable[..., str],
    datasets: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Ask:
    """Asks the marts after one build of all that the files say of these people; built once in a run, read only."""

    def built() -> str:
        # Not dropped afterwards, as another worker may read it still: it goes with the cluster.
        url = next(fresh_database(postgres_admin_url, template_database, "aurora_real_people"))
        folder = tmp_path_factory.mktemp("real_people")
        for study in STUDIES:
            file = folder / f"{study.mapping}.csv"
            study.rows(datasets).write_csv(file)
            summary = run_import(url, file, study.mapping)
            assert (summary.state, summary.rows_rejected) == ("done", 0)
        report = build_warehouse(role_url(PIPELINES, url), data_dir=folder)
        assert report.is_good, [(bad.name, bad.message) for bad in report.bad]
        return url

    url = service_run.once("real_people", built)

    def rows(query: LiteralString) -> Rows:
        with psycopg.connect(url) as connection, connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query).fetchall()

    return rows


@pytest.fixture(scope="module")
def told(datasets: Path) -> Told:
    people: Told = {person: {} for person in PEOPLE}
    for study in STUDIES:
        chosen = study.days(datasets).filter(pl.col("person").is_in(PEOPLE))
        for row in chosen.iter_rows(named=True):
            people[row["person"]][row["date"]] = row
    return people


def test_nights_are_those_of_the_files_to_the_minute(ask: Ask, told: Told) -> None:
    columns = ("asleep_minutes", "awake_minutes", "in_bed_minutes")
    found = ask(
        "select username, local_date, asleep_minutes, awake_minutes, in_bed_minutes"
        " from marts.nights inner join app.users using (user_id)"
    )

    assert len(found) == 938
    assert {(row["username"], row["local_date"]): [row[name] for name in columns] for row in found} == {
        (person, day): pytest.approx([said[name] for name in columns])
        for person, days in told.items()
        for day, said in days.items()
        if said["asleep_minutes"] is not None
    }


def test_days_have_the_numbers_of_the_files_and_nulls_where_these_have_none(ask: Ask, told: Told) -> None:
    found = ask(
        "select username, local_date, steps, resting_heart_rate_bpm, hrv_rmssd_ms, mood_mean, energy_mean,"
        " sleep_minutes from marts.daily_summary inner join app.users using (user_id)"
    )

    days = {(row.pop("username"), row.pop("local_date")): row for row in found}
    # Days that a source skipped have no row, rather than one with zeros.
    assert days == {
        (person, day): pytest.approx(
            {name: said.get(name) for name in _OF_THE_DAY}
            | {"mood_mean": said["valence"], "energy_mean": said.get("readiness")}
            | {"sleep_minutes": said["asleep_minutes"]},
            abs=5e-4,
        )
        for person, of_person in told.items()
        for day, said in of_person.items()
    }


def test_coverage_says_of_every_kind_of_event_which_days_are_missing(ask: Ask, told: Told) -> None:
    found = ask(
        "select username, type, coverage_state as state, days, first_date, last_date, missing_days,"
        " longest_gap_days, longest_gap_first_date"
        " from marts.coverage inner join app.users using (user_id) where measure = 'any'"
    )
    expected = {}
    for study in STUDIES:
        of_study = {person: days for person, days in told.items() if person.startswith(study.mapping)}
        expected |= coverage_of_all(of_study, study.kinds)

    assert {(row.pop("username"), row.pop("type")): Coverage(**row) for row in found} == expected
    assert {entry.state for entry in expected.values()} == {"never", "left", "stopped", "gaps", "complete"}


def test_coverage_explains_in_a_sentence_how_a_source_fell_silent(ask: Ask) -> None:
    found = ask(
        "select username, type, what_is_missing"
        " from marts.coverage inner join app.users using (user_id) where measure = 'any'"
    )

    said = {(row["username"], row["type"]): row["what_is_missing"] for row in found}
    assert {key: said[key] for key in SILENCES} == SILENCES


def scores_found(ask: Ask) -> dict[tuple[str, date, str], tuple[str, float | None]]:
    found = ask(
        "select username, local_date, score_name, score_state, score"
        " from marts.scores inner join app.users using (user_id)"
    )
    return {
        (row["username"], row["local_date"], row["score_name"]): (row["score_state"], row["score"])
        for row in found
    }


def test_scores_are_those_worked_out_from_the_files(ask: Ask, told: Told) -> None:
    # The warehouse keeps thousandths of a unit: of valence that is a twentieth of a point.
    expected = {
        (person, day, name): (state, score if score is None else pytest.approx(score, abs=0.05))
        for person, days in told.items()
        for (day, name), (state, score) in scores_of(days).items()
    }

    assert scores_found(ask) == expected
    states = {(name, state) for (_, _, name), (state, _) in expected.items()}
    assert {
        (name, "SCORED") for name in ("sleep", "activity", "recovery", "mood", "energy", "life")
    } <= states
    assert {(name, "CALIBRATING") for name in ("activity", "recovery", "life")} <= states


@pytest.mark.parametrize(
    ("person", "silent", "last_told"),
    [
        (TRAINED_WITHOUT_REPORTS, ("sleep", "mood", "energy", "life"), date(2021, 8, 26)),
        (STOPPED_SLEEPING_WITH_THE_WATCH, ("sleep",), date(2021, 11, 28)),
        (STOPPED_SLEEPING_WITH_THE_WATCH, ("recovery",), date(2022, 1, 7)),
        (ANSWERED_WITHOUT_THE_WATCH, ("sleep", "activity", "recovery", "life"), date(2021, 10, 8)),
    ],
    ids=["reports", "nights", "pulse", "watch"],
)
def test_no_score_is_bad_because_its_source_fell_silent(
    ask: Ask, person: str, silent: tuple[str, ...], last_told: date
) -> None:
    later = {
        (day, name): found
        for (who, day, name), found in scores_found(ask).items()
        if who == person and name in silent and day > last_told
    }

    assert {name for _, name in later} == set(silent)
    assert set(later.values()) == {("UNSCORABLE", None)}


def test_life_goes_on_as_the_mean_of_what_is_left(ask: Ask) -> None:
    found = scores_found(ask)
    lives = {(person, day): score for (person, day, name), (_, score) in found.items() if name == "life"}
    parts: dict[tuple[str, date], dict[str, float]] = {key: {} for key in lives}
    for (person, day, name), (_, score) in found.items():
        if name != "life" and score is not None:
            parts[person, day][name] = score

    # Of one watch: with and without a night, with and without a mood.
    assert len({frozenset(parts[key]) for key, score in lives.items() if score is not None}) >= 4
    for key, score in lives.items():
        assert score is None or score == pytest.approx(sum(parts[key].values()) / len(parts[key])), key


def test_nobody_is_compared_with_themselves_before_a_fortnight_of_days(ask: Ask, told: Told) -> None:
    found = scores_found(ask)
    fortnight = {person: sorted(days)[:13] for person, days in told.items()}
    early = {
        (person, day, name): state
        for (person, day, name), (state, _) in found.items()
        if name in {"life", "recovery"} and day in fortnight[person]
    }

    assert set(early.values()) == {"CALIBRATING", "UNSCORABLE"}
    # The day says enough, so that it is told apart from a day that does not.
    assert early[LEFT_THE_TEAM, date(2020, 3, 17), "life"] == "CALIBRATING"


def within_people(ask: Ask, told: Told, name: str, said: str, *, moved: int = 0) -> dict[str, float]:
    """Spearman's correlation of a score and what the source says over the days with both, of people with 30 or more."""
    scores = pl.DataFrame(
        [
            {"person": person, "day": day + timedelta(days=moved), "score": score}
            for (person, day, of), (_, score) in scores_found(ask).items()
            if of == name and score is not None
        ]
    )
    source = pl.DataFrame(
        [
            {"person": person, "day": day, "said": of_day.get(said)}
            for person, days in told.items()
            for day, of_day in days.items()
        ],
        infer_schema_length=None,
    )
    both = scores.join(source.drop_nulls(), on=["person", "day"]).group_by("person")
    found = both.agg(pl.corr("score", "said", method="spearman").alias("r"), pl.len().alias("days"))
    return dict(found.filter(pl.col("days") >= 30).select("person", "r").iter_rows())


@pytest.mark.parametrize(
    ("score", "points", "at_least"),
    [("sleep", "makers_sleep_points", 0.35), ("recovery", "makers_recovery_points", 0.25)],
    ids=["sleep", "recovery"],
)
def test_scores_follow_what_the_maker_of_the_watch_said_of_the_same_days(
    ask: Ask, told: Told, score: str, points: str, at_least: float
) -> None:
    same_days = within_people(ask, told, score, points)
    # What nothing looks like: the same numbers, some days apart.
    apart = [r for days in (3, 5, 8) for r in within_people(ask, told, score, points, moved=days).values()]

    assert same_days.keys() == {LEFT_WITH_THE_ROUND, WORE_IT_THROUGHOUT}
    assert min(same_days.values()) >= at_least
    assert abs(mean(apart)) < 0.15


def test_sleep_scores_of_athletes_say_little_of_how_ready_they_felt(ask: Ask, told: Told) -> None:
    found = within_people(ask, told, "sleep", "readiness")

    assert found.keys() == {TRAINED_WITHOUT_REPORTS, LEFT_THE_TEAM, CAME_LATE}
    # As docs/scores.md says: nearly all of their nights are of the length that earns all points.
    assert all(0 < r < 0.25 for r in found.values())
