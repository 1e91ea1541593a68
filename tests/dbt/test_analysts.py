"""What analysts see: each mart as a view, with a key in place of the person and without words. On real Postgres."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, LiteralString, cast
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from aurora.database.grants import ANALYST, PIPELINES
from aurora.database.limits import CONNECTIONS, LIMITS
from aurora.events.pseudonyms import keep_pseudonyms, person_key_of
from aurora.settings import load_settings
from pipelines.transformation.dbt_runs import parse, run_dbt
from tests.fixtures.simulated_warehouse import DATA_DIR, PEOPLE, PSEUDONYM_KEY

UUID_FORM: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
RoleUrl = Callable[..., str]
Analyst = psycopg.Connection[Any]


@pytest.fixture
def analyst(simulated_warehouse: str, role_url: RoleUrl) -> Iterator[Analyst]:
    with psycopg.connect(role_url(ANALYST, simulated_warehouse), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def declared() -> dict[str, dict[str, dict[str, Any]]]:
    """Mart → its columns, as dbt has them."""
    manifest = json.loads(parse(data_dir=load_settings().data_dir))
    return {
        node["name"]: node["columns"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] == "marts"
    }


def seen_columns(connection: Analyst) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for view, column, kind in connection.execute(
        "select table_name, column_name, data_type from information_schema.columns"
        " where table_schema = 'analysts' order by ordinal_position"
    ):
        found.setdefault(view, {})[column] = kind
    return found


MAY_BE_EMPTY = {"patterns", "model_drift"}
"""Eight people's forty days need not hold any, and baselines answer them: there is no model that could drift."""


def test_every_text_of_a_mart_is_declared_to_be_code_an_id_a_name_or_words(
    declared: dict[str, dict[str, dict[str, Any]]],
) -> None:
    undeclared = [
        f"{mart}.{column['name']}: add config: {{meta: {{text: code | id | name | words}}}}"
        for mart, columns in declared.items()
        for column in columns.values()
        if column["data_type"] not in {"uuid", "date", "timestamp", "timestamptz", "integer", "bigint"}
        and column["data_type"] not in {"smallint", "float8", "double precision", "numeric", "boolean"}
        and column["meta"].get("text") not in {"code", "id", "name", "words"}
    ]

    assert undeclared == []


def test_every_mart_is_there_without_the_person_and_without_words(
    analyst: Analyst, declared: dict[str, dict[str, dict[str, Any]]]
) -> None:
    seen = seen_columns(analyst)

    assert sorted(seen) == sorted(declared)
    for mart, columns in declared.items():
        assert "user_id" not in seen[mart]
        assert seen[mart].get("person_key") == ("uuid" if "user_id" in columns else None), mart
        words = {name for name, column in columns.items() if column["meta"].get("text") == "words"}
        assert not words & set(seen[mart]), mart
        assert len(seen[mart]) == len(columns) - len(words), mart


def test_no_id_of_a_person_an_event_or_a_prediction_is_anywhere_in_what_analysts_read(
    analyst: Analyst, simulated_warehouse: str
) -> None:
    with psycopg.connect(simulated_warehouse) as owner:
        known = {
            str(value)
            for query in (
                "select user_id from app.users",
                "select event_id from raw.events",
                "select prediction_id from predictions.predictions",
            )
            for (value,) in owner.execute(cast("LiteralString", query))
        }
    for view in seen_columns(analyst):
        rows = analyst.execute(
            sql.SQL("select v::text from {} as v limit 3000").format(sql.Identifier("analysts", view))
        )
        text = "\n".join(row for (row,) in rows)
        assert text or view in MAY_BE_EMPTY, view
        assert not known & set(UUID_FORM.findall(text)), view


def test_a_person_has_one_key_in_every_view_and_joins_give_the_rows_of_the_marts(
    analyst: Analyst, simulated_warehouse: str
) -> None:
    joined = """
        select count(*), count(distinct {who}), round(sum(nights.asleep_minutes)::numeric, 3)
        from {schema}.nights as nights
        inner join {schema}.users as users using ({who})
        inner join {schema}.daily_summary as days using ({who}, local_date)
    """
    with psycopg.connect(simulated_warehouse) as owner:
        theirs = owner.execute(cast("LiteralString", joined.format(schema="marts", who="user_id"))).fetchone()
    ours = analyst.execute(
        cast("LiteralString", joined.format(schema="analysts", who="person_key"))
    ).fetchone()

    assert ours == theirs
    assert ours is not None
    assert ours[1] == PEOPLE


def test_keys_of_events_join_as_their_ids_do(analyst: Analyst, simulated_warehouse: str) -> None:
    query = """
        select count(*) from {schema}.timeline as timeline
        inner join {schema}.events as events
            on timeline.{who} = events.{who} and timeline.record_{id}::text = events.event_{id}::text
        where events.type = 'sleep.recorded' and timeline.name = 'sleep.recorded'
    """
    with psycopg.connect(simulated_warehouse) as owner:
        theirs = owner.execute(
            cast("LiteralString", query.format(schema="marts", who="user_id", id="id"))
        ).fetchone()
    ours = analyst.execute(
        cast("LiteralString", query.format(schema="analysts", who="person_key", id="key"))
    ).fetchone()

    assert ours == theirs
    assert ours != (0,)


@pytest.mark.parametrize(
    "statement",
    [
        "select * from marts.users",
        "select * from app.users",
        "select * from app.pseudonyms",
        "select * from raw.events",
        "select * from intermediate.int_nights",
        "select * from features.moment_energy_features",
        "select * from scores.daily_life_scores",
        "select * from predictions.predictions",
        "set role aurora_pipelines",
    ],
)
def test_nothing_else_can_be_read(analyst: Analyst, statement: LiteralString) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        analyst.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "create table analysts.mine (x int)",
        "create temporary table mine (x int)",
        "delete from analysts.users",
        "update analysts.nights set asleep_minutes = 0",
        "drop view analysts.users",
    ],
)
def test_nothing_can_be_written_even_by_who_turns_read_only_off(
    analyst: Analyst, statement: LiteralString
) -> None:
    refused = (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectNotInPrerequisiteState)
    with pytest.raises((psycopg.errors.ReadOnlySqlTransaction, *refused)):
        analyst.execute(statement)

    analyst.execute("set default_transaction_read_only = off")
    with pytest.raises(refused):
        analyst.execute(statement)


def test_a_session_begins_within_its_limits_and_finds_the_views_by_name(analyst: Analyst) -> None:
    for name, value in LIMITS.items():
        assert analyst.execute("select current_setting(%s)", [name]).fetchone() == (value,), name
    assert analyst.execute("select rolconnlimit from pg_roles where rolname = current_user").fetchone() == (
        CONNECTIONS,
    )
    assert analyst.execute("select count(*) from users").fetchone() == (PEOPLE,)


def test_a_query_that_takes_too_long_is_stopped(analyst: Analyst) -> None:
    analyst.execute("set statement_timeout = '50ms'")

    with pytest.raises(psycopg.errors.QueryCanceled):
        analyst.execute("select pg_sleep(60)")


def test_a_query_that_fills_the_disk_is_stopped_and_the_limit_cannot_be_raised(analyst: Analyst) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        analyst.execute("set temp_file_limit = -1")
    analyst.execute("set work_mem = '64kB'")

    with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
        # Three gigabytes to be sorted, were it not for the limit.
        analyst.execute(
            "select count(*) from (select i, repeat(md5(i::text), 3000) as t"
            " from generate_series(1, 40000) as i order by 2, 1 offset 1) as sorted"
        )


def test_a_key_is_the_same_in_the_next_build_and_another_under_another_secret(
    simulated_warehouse: str,
) -> None:
    everybody = "select user_id, person_key from app.pseudonyms"
    with psycopg.connect(simulated_warehouse) as connection:
        first = dict(connection.execute(everybody).fetchall())
        assert keep_pseudonyms(connection, PSEUDONYM_KEY) == 0
        assert dict(connection.execute(everybody).fetchall()) == first

        assert keep_pseudonyms(connection, "another") == PEOPLE
        second = dict(connection.execute(everybody).fetchall())
        connection.rollback()

    assert second.keys() == first.keys()
    assert not set(second.values()) & set(first.values())


def test_who_leaves_is_in_no_view_from_that_moment_on(simulated_warehouse: str) -> None:
    with psycopg.connect(simulated_warehouse) as connection:
        row = connection.execute("select user_id from app.users limit 1").fetchone()
        assert row is not None
        connection.execute("update app.users set deleted_at = now() where user_id = %s", row)

        for view in ("users", "nights", "scores"):
            people = sql.SQL("select count(distinct person_key) from {}").format(
                sql.Identifier("analysts", view)
            )
            assert connection.execute(people).fetchone() == (PEOPLE - 1,), view
        connection.rollback()


def test_the_next_build_forgets_the_key_of_who_left(simulated_warehouse: str) -> None:
    with psycopg.connect(simulated_warehouse) as connection:
        row = connection.execute("select user_id from app.users limit 1").fetchone()
        assert row is not None
        connection.execute("update app.users set deleted_at = now() where user_id = %s", row)
        keep_pseudonyms(connection, PSEUDONYM_KEY)

        assert connection.execute("select count(*) from app.pseudonyms").fetchone() == (PEOPLE - 1,)
        connection.rollback()


def test_what_an_app_calls_itself_is_shown_when_it_is_written_as_software_is_named(
    simulated_warehouse: str,
) -> None:
    with psycopg.connect(simulated_warehouse) as connection:
        connection.execute(
            "update intermediate.int_events"
            " set source_name = case modality when 'sensed' then 'fit.app-2' else 'The phone of Anna' end"
        )
        connection.execute("update intermediate.int_source_days set source_name = 'The phone of Anna'")

        for view in ("events", "coverage", "nights", "nights_by_source", "workouts", "workouts_by_source"):
            rows = connection.execute(
                sql.SQL("select distinct v::text from {} as v").format(sql.Identifier("analysts", view))
            ).fetchall()
            assert not [row for (row,) in rows if "Anna" in row], view
        for view, shown in (("events", {"fit.app-2", "other"}), ("coverage", {"other"})):
            names = connection.execute(
                sql.SQL("select distinct source_name from {}").format(sql.Identifier("analysts", view))
            ).fetchall()
            assert {name for (name,) in names} == shown, view
        connection.rollback()


def test_a_key_is_a_hash_and_says_so() -> None:
    user_id = UUID("0190a1b2-0000-7000-8000-000000000001")
    key = person_key_of("secret", user_id)

    assert key == person_key_of("secret", user_id)
    assert key != person_key_of("secret", UUID(int=user_id.int + 1))
    assert key.version == 8


def test_a_view_is_made_anew_with_its_mart(
    simulated_warehouse: str, role_url: RoleUrl, analyst: Analyst, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = analyst.execute("select count(*) from coverage").fetchone()
    run_dbt(
        ["run", "--select", "coverage"],
        postgres_url=role_url(PIPELINES, simulated_warehouse),
        data_dir=tmp_path_factory.getbasetemp() / DATA_DIR,
    )

    assert analyst.execute("select count(*) from coverage").fetchone() == before
    with psycopg.connect(simulated_warehouse) as owner:
        found = owner.execute("select distinct viewowner from pg_views where schemaname = 'analysts'")
        assert found.fetchall() == [(PIPELINES,)]
