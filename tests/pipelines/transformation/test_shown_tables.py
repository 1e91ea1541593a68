"""What Dagster is shown of a table: rows of simulated people only, no words of people, and where columns come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import dagster as dg
import psycopg
import pytest
from psycopg import sql

from pipelines import row_counts
from pipelines.transformation.column_lineage import as_metadata, lineage_of
from pipelines.transformation.dbt_runs import NodeResult
from pipelines.transformation.shown_tables import ShownTable, as_markdown

REAL, SIMULATED = UUID(int=1), UUID(int=2)

NODE: dict[str, Any] = {
    "schema": "marts",
    "name": "things",
    "columns": {"user_id": {}, "score": {"description": "How good."}},
    "config": {"materialized": "table"},
    "depends_on": {"nodes": ["source.aurora_life.raw.events", "model.aurora_life.others"]},
}
MANIFEST: dict[str, Any] = {
    "sources": {"source.aurora_life.raw.events": {"schema": "raw", "identifier": "events"}},
    "nodes": {
        "model.aurora_life.others": {"schema": "staging", "name": "others", "columns": {"x": {}, "y": {}}}
    },
}


def result(sql: str = "") -> NodeResult:
    return NodeResult("model.aurora_life.things", "things", "model", "success", 0.1, "", None, sql)


@pytest.fixture
def things(committed_database: str) -> str:
    """A table of one real and one simulated person, with more in it than anybody should see."""
    with psycopg.connect(committed_database, autocommit=True) as connection:
        connection.execute(
            "insert into raw.simulations (cohort, seed, users, days, ends_on, ceiling, truth_path)"
            " values ('made', 1, 1, 1, '2026-03-01', '{}', '')"
        )
        for user_id, cohort in ((REAL, "real"), (SIMULATED, "made")):
            connection.execute(
                "insert into app.users (user_id, username, cohort, data_key_ciphertext) values (%s, %s, %s, '')",
                (user_id, cohort, cohort),
            )
        connection.execute("create schema if not exists marts")
        connection.execute(
            "create table marts.things (user_id uuid, event_id uuid, type text, score float8, note text, body jsonb,"
            " valid_until timestamptz)"
        )
        connection.execute(
            "insert into marts.things values (%s, %s, 'mood.rated', 111.5, 'a secret', '{}', 'infinity'),"
            " (%s, %s, 'mood.rated', 222.5, 'another secret', '{}', 'infinity')",
            (REAL, REAL, SIMULATED, SIMULATED),
        )
    return committed_database


def shown(url: str, known: Path, node: dict[str, Any] = NODE, sql: str = "") -> dict[str, Any]:
    with psycopg.connect(url) as connection:
        return ShownTable(connection, MANIFEST, known).metadata(node, result(sql))


def test_sample_shows_simulated_people_and_neither_ids_nor_words(things: str, tmp_path: Path) -> None:
    sample = shown(things, tmp_path)["sample"].value

    assert sample == ("| type | score | valid_until |\n|---|--:|---|\n| mood.rated | 222.5 | infinity |")


def test_without_simulated_people_no_row_is_shown(things: str, tmp_path: Path) -> None:
    with psycopg.connect(things) as connection:
        connection.execute("delete from raw.simulations")

    assert "it has none" in shown(things, tmp_path)["sample"].value


def test_rows_are_counted_and_columns_described(things: str, tmp_path: Path) -> None:
    metadata = shown(things, tmp_path)
    columns = {column.name: column for column in metadata["dagster/column_schema"].columns}

    assert metadata["dagster/row_count"] == 2
    assert (columns["score"].type, columns["score"].description) == ("double precision", "How good.")


A_VIEW = NODE | {"config": {"materialized": "view"}}


def test_view_is_counted_and_sampled_as_well(things: str, tmp_path: Path) -> None:
    metadata = shown(things, tmp_path, A_VIEW)

    assert metadata["dagster/row_count"] == 2
    assert "222.5" in metadata["sample"].value


def test_view_that_would_cost_much_says_so_and_is_not_run(
    things: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_counts, "MOST_COST", 0.0)
    metadata = shown(things, tmp_path, A_VIEW)

    assert "dagster/row_count" not in metadata
    assert metadata["rows"].startswith("Not counted: Postgres expects it to cost ")
    assert metadata["sample"].value.startswith("Not looked at: Postgres expects it to cost ")


def test_query_that_turns_out_to_cost_much_is_ended(things: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_counts, "MOST_MILLISECONDS", 50)
    with (
        psycopg.connect(things, autocommit=True) as connection,
        pytest.raises(row_counts.TooDearError, match="longer than 50 ms"),
    ):
        row_counts.rows_if_cheap(connection, sql.SQL("select pg_sleep(30)"))


def test_large_table_is_not_counted_but_has_the_rows_that_postgres_keeps(
    things: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_counts, "COUNTED_PAGES", 0)
    with psycopg.connect(things, autocommit=True) as connection:
        connection.execute(
            "insert into marts.things select %s, %s from generate_series(1, 5000)", (REAL, REAL)
        )
        assert row_counts.stored_rows(connection, "marts", "things") == 5002
        connection.execute("analyze marts.things")
        connection.execute(
            "insert into marts.things select %s, %s from generate_series(1, 5000)", (REAL, REAL)
        )
        kept = row_counts.stored_rows(connection, "marts", "things")
        connection.execute("analyze marts.things")

        assert kept == pytest.approx(10_002, rel=0.03)
        assert row_counts.stored_rows(connection, "marts", "things") == 10_002


def test_lineage_leads_to_sources_and_models(things: str, tmp_path: Path) -> None:
    sql = (
        "with rated as (select user_id, version from raw.events),"
        " both as (select rated.user_id, rated.version + others.x as score"
        " from rated inner join staging.others as others on rated.version = others.y)"
        " select user_id, score from both"
    )
    lineage = shown(things, tmp_path, sql=sql)["dagster/column_lineage"].deps_by_column

    assert lineage["user_id"] == [dg.TableColumnDep(asset_key=["raw", "events"], column_name="user_id")]
    assert {(dep.asset_key.to_user_string(), dep.column_name) for dep in lineage["score"]} == {
        ("raw/events", "version"),
        ("staging/others", "x"),
    }


def test_star_is_followed_by_the_columns_that_are_known(tmp_path: Path) -> None:
    sql = "with all_rows as (select * from staging.others) select * from all_rows"

    assert lineage_of(sql, {"staging.others": ["x", "y"]}, tmp_path) == {
        "x": [("staging.others", "x")],
        "y": [("staging.others", "y")],
    }


def test_model_is_read_again_only_when_its_sql_has_changed(tmp_path: Path) -> None:
    columns = {"staging.others": ["x", "y"]}
    first = lineage_of("select x as a from staging.others", columns, tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_text('{"a": [["staging.others", "y"]]}', encoding="utf-8")

    assert first == {"a": [("staging.others", "x")]}
    assert lineage_of("select x as a from staging.others", columns, tmp_path) == {
        "a": [("staging.others", "y")]
    }
    assert lineage_of("select x as b from staging.others", columns, tmp_path) == {
        "b": [("staging.others", "x")]
    }


@pytest.mark.parametrize(
    ("sql", "reason"),
    [("select from where (", "Not known: "), ("", "Not known: dbt left no compiled SQL of it.")],
)
def test_sql_that_cannot_be_followed_says_why_and_is_tried_again(
    things: str, tmp_path: Path, sql: str, reason: str
) -> None:
    metadata = shown(things, tmp_path, sql=sql)

    assert metadata["column lineage"].startswith(reason)
    assert "dagster/column_lineage" not in metadata
    assert list(tmp_path.iterdir()) == []


def test_columns_that_come_from_no_table_are_told_of(tmp_path: Path) -> None:
    assert as_metadata(lineage_of("select 1 as one", {}, tmp_path)) == {
        "column lineage": "None of its columns comes from another table's."
    }


def test_markdown_aligns_numbers_and_escapes_bars() -> None:
    assert (
        as_markdown(["a", "b"], [("x|y", 1), (None, None)])
        == "| a | b |\n|---|--:|\n| x\\|y | 1 |\n| – | – |"
    )


@pytest.mark.parametrize(("people", "is_drawn"), [(19, False), (20, True)])
def test_distribution_of_scores_is_drawn_of_enough_people_only(
    committed_database: str, tmp_path: Path, people: int, is_drawn: bool
) -> None:
    with psycopg.connect(committed_database, autocommit=True) as connection:
        connection.execute("create schema if not exists scores")
        connection.execute("create table scores.things (user_id uuid, local_date date, score float8)")
        connection.execute(
            "insert into app.users (user_id, username, data_key_ciphertext)"
            " select gen_random_uuid(), 'person ' || number, '' from generate_series(1, %s) as number",
            (people,),
        )
        # Of an older day, and of a newer one without a score, nothing is drawn.
        connection.execute(
            "insert into scores.things select user_id, day, score from app.users cross join"
            " (values ('2026-02-28'::date, 90), ('2026-03-01', 50), ('2026-03-02', null)) as days (day, score)"
        )
    node = NODE | {"schema": "scores"}

    distribution = shown(committed_database, tmp_path, node)["distribution"].value

    assert distribution.startswith("![Newest score of 20 people](data:image/png;base64,") is is_drawn
    assert len(distribution) < 20_000
