"""An incremental build leaves what a full one would have made, also after builds that failed."""

from __future__ import annotations

from datetime import timedelta
from multiprocessing import get_context
from signal import SIGKILL
from typing import Any, LiteralString, cast
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aurora.events.catalogue import EVENT_TYPES
from pipelines.transformation.builds import BuildRunningError, purge_touched_days, recorded_build
from pipelines.transformation.dbt_runs import run_dbt
from pipelines.transformation.warehouse import BuildReport, build_warehouse
from tests.pipelines.transformation.conftest import Warehouse
from tests.pipelines.transformation.lives import (
    DAYS,
    FIRST,
    RECEIVED_AT,
    Received,
    draw_life,
    in_parts,
    lives,
    store,
)
from tests.pipelines.transformation.plans import (
    expected_rows,
    readers_of_all_history,
    readers_of_all_months,
    readers_of_the_whole_log,
)

LIVES = 100
EXAMPLES = max(settings.default.max_examples // 100, 1) if settings.default else 1
"""One; ten with `--hypothesis-profile=search`. Each is four builds."""

JUDGED_WITH_THE_VIEWS = {
    "rows_of_coverage_are_unique",
    "rows_of_model_accuracy_are_unique",
    "rows_of_model_drift_are_unique",
    "rows_of_stg_drift_are_unique",
}
"""Tests that have to read all history, and are left out while the views are what they were."""

_TABLES = """
    select table_schema || '.' || table_name from information_schema.tables
    where
        table_schema in ('staging', 'intermediate', 'features', 'scores', 'marts')
        and table_name not in ('stg_touched_days', 'int_changed_days', 'int_rebuilt_days', 'int_rescored_days')
        and table_name not in ('int_rebuilt_moments') and table_name !~ '^int_[a-z]+_features$'
    order by 1
"""


_ROWS_OF_REBUILT_MOMENTS = """
    select count(*) from intermediate.int_rebuilt_moments
    inner join features.moment_features using (user_id, local_date, as_of, precision)
"""


def digests(warehouse: Warehouse) -> dict[str, tuple[int, str | None]]:
    """Every table and view of the warehouse: how many rows, and a hash of them all."""
    found = {}
    for (table,) in warehouse.rows(_TABLES):
        hashed = f"select count(*), sum(hashtextextended(row_of::text, 0))::text from {table} as row_of"
        found[table] = warehouse.rows(cast("LiteralString", hashed))[0]
    return found


@pytest.mark.slow
@given(people=st.lists(lives, min_size=LIVES, max_size=LIVES))
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)
def test_incremental_builds_equal_a_full_one(warehouse: Warehouse, people: list[list[Received]]) -> None:
    received = [item for life in people for item in life]
    assert {item.body["type"] for item in received} == set(EVENT_TYPES)
    assert any(item.body["started_at"] > RECEIVED_AT.isoformat() for item in received)
    first, second, third = in_parts(received[:-20], 3)
    store(warehouse.owner_url, first)
    # By then nothing is told any more: what is asked for are days without an event.
    warehouse.build(now=FIRST + timedelta(days=DAYS + 2))
    store(warehouse.owner_url, second)
    move_half(warehouse, "Asia/Tokyo")
    # A build that stops half-way: some tables have the second part, the others do not.
    with recorded_build(warehouse.url, definition="half a build"):
        half = ["run", "--select", "+int_labels", "+int_tiles", "int_sleep_features"]
        run_dbt(half, postgres_url=warehouse.url, data_dir=warehouse.data_dir)
    store(warehouse.owner_url, third)
    # One date in both of the zones that people move between: asked for after a move, today is the same day.
    afterwards = FIRST + timedelta(days=DAYS + 4, hours=12)
    last = warehouse.build(now=afterwards)
    assert not last.is_full
    # Half a build has dropped views: those made anew are judged whole.
    assert readers_of_all_history(warehouse, last.results) <= JUDGED_WITH_THE_VIEWS
    # Few days, as on most days: of many the whole log is rightly read.
    store(warehouse.owner_url, received[-20:])
    assert not warehouse.build(now=afterwards).is_full
    move_half(warehouse, "America/New_York")
    incremental = digests(warehouse)
    assert readers_of_the_whole_log(warehouse) == set()
    assert readers_of_all_months(warehouse) == set()

    warehouse.build(full=True, now=afterwards)

    assert digests(warehouse) == incremental
    # Where Postgres expects one row it compares all with all, which is quick for few moments and never ends for many.
    assert [name for name, rows in expected_rows(warehouse).items() if rows <= 1] == []


def test_no_test_of_an_incremental_build_reads_all_history(warehouse: Warehouse) -> None:
    full, incremental = warehouse.build(), warehouse.build()

    assert "rows_of_model_accuracy_are_unique" in readers_of_all_history(warehouse, full.results)
    assert readers_of_all_history(warehouse, incremental.results) == set()
    assert names_of_tests(full) - names_of_tests(incremental) == JUDGED_WITH_THE_VIEWS


def names_of_tests(report: BuildReport) -> set[str]:
    return {result.name for result in report.results if result.kind == "test"}


def test_one_build_runs_at_a_time(warehouse: Warehouse) -> None:
    with recorded_build(warehouse.url, definition="x"), pytest.raises(BuildRunningError):
        warehouse.build()


def test_changed_definition_makes_the_next_build_a_full_one(warehouse: Warehouse) -> None:
    with recorded_build(warehouse.url, definition="old") as build:
        build.is_good = True
    with recorded_build(warehouse.url, definition="old") as same:
        same.is_good = True
    with recorded_build(warehouse.url, definition="new") as changed:
        pass

    assert (build.is_full, same.is_full, changed.is_full) == (True, False, True)


def test_views_are_made_anew_when_they_changed_or_one_is_missing(warehouse: Warehouse) -> None:
    def made(views: str) -> bool:
        with recorded_build(warehouse.url, definition="same", views=views) as build:
            build.is_good = True
        return not build.keeps_views

    assert [made("old"), made("old"), made("new"), made("new")] == [True, False, True, False]
    with psycopg.connect(warehouse.owner_url) as connection:
        connection.execute("create view marts.another as select 1 as one")
    assert [made("new"), made("new")] == [True, False]


def test_a_build_that_keeps_its_views_tests_them_all_the_same(warehouse: Warehouse) -> None:
    first, second = warehouse.build(), warehouse.build()

    assert (first.kept_views, second.kept_views) == (False, True)
    assert names_of_tests(second) < names_of_tests(first)
    assert "rows_of_scores_are_unique" in names_of_tests(second)
    assert 0 < second.count("model") < first.count("model")
    views = {
        name for (name,) in warehouse.rows("select viewname from pg_views where schemaname <> 'analysts'")
    }
    assert not views & {result.name for result in second.results if result.kind == "model"}
    with psycopg.connect(warehouse.owner_url) as connection:
        connection.execute("drop view marts.calendar cascade")
    assert not warehouse.build().kept_views
    assert warehouse.rows("select count(*) from analysts.calendar")


def test_build_that_was_killed_is_marked_as_failed_by_the_next(warehouse: Warehouse) -> None:
    insert = (
        "insert into raw.builds (build_id, snapshot, is_full, state)"
        " values (gen_random_uuid(), '5:5:', false, 'running') returning build_id"
    )
    [(killed,)] = warehouse.rows(insert)
    with recorded_build(warehouse.url, definition="x"):
        pass

    assert warehouse.rows("select state from raw.builds where build_id = %s", killed) == [("failed",)]


AMID_A_DAY = """
    create function public.wait_for_the_test() returns trigger language plpgsql as $$
    begin
        perform pg_advisory_xact_lock(4217);
        return null;
    end $$;
    create trigger wait_for_the_test before insert on intermediate.int_other_tiles
    for each statement execute function public.wait_for_the_test();
    select pg_advisory_lock(4217)
"""
"""The rows of the touched days are deleted, and not there again yet."""

AMID_TABLES = "begin; lock table intermediate.int_other_tiles in access share mode"
"""Some tables are new, views have gone with what they read, and the tiles cannot be renamed: somebody reads them."""

UNTESTED = ("test_type:generic",)
"""What dbt tests has no part in what a build leaves."""


def killed_build(warehouse: Warehouse, held_up: LiteralString, *, full: bool = False) -> None:
    """Build in a process of its own, and kill it where it waits. What Postgres does for it then is not waited for."""
    with psycopg.connect(warehouse.owner_url, autocommit=True) as connection:
        connection.execute(held_up)
        build = get_context("spawn").Process(
            target=build_warehouse,
            args=(warehouse.url,),
            kwargs={"data_dir": warehouse.data_dir, "full": full, "exclude": UNTESTED},
        )
        build.start()
        while not connection.execute(
            "select 1 from pg_locks"
            " where not granted and (objid = 4217 or relation = 'intermediate.int_other_tiles'::regclass)"
        ).fetchone():
            build.join(timeout=0.05)
            assert build.exitcode is None, "the build ended, and never waited"
        build.kill()
        build.join()
        assert build.exitcode == -SIGKILL


@pytest.mark.slow
def test_builds_that_are_killed_leave_nothing_that_the_next_one_does_not_mend(warehouse: Warehouse) -> None:
    def build(*, full: bool = False) -> dict[str, tuple[int, str | None]]:
        report = build_warehouse(warehouse.url, data_dir=warehouse.data_dir, full=full, exclude=UNTESTED)
        assert report.is_good, [(bad.name, bad.message) for bad in report.bad]
        assert report.is_full is full
        return digests(warehouse)

    first, second = in_parts([item for seed in range(5) for item in draw_life(seed)], 2)
    store(warehouse.owner_url, first)
    before = build(full=True)
    store(warehouse.owner_url, second)
    killed_build(warehouse, AMID_A_DAY)
    mended = build()
    killed_build(warehouse, AMID_TABLES, full=True)
    mended_again = build()
    states = warehouse.rows("select state from raw.builds order by started_at")

    clean = build(full=True)
    assert before != clean
    assert mended == clean
    assert mended_again == clean
    assert [state for (state,) in states] == ["good", "failed", "good", "failed", "good"]


def test_what_another_build_computed_is_put_beside_no_moment(warehouse: Warehouse) -> None:
    first, second = in_parts([item for seed in range(3) for item in draw_life(seed)], 2)
    store(warehouse.owner_url, first)
    warehouse.build()
    store(warehouse.owner_url, second)

    # By hand, a part of the models: the domains still hold what the build before has computed.
    with recorded_build(warehouse.url, definition="a part"):
        part = ["run", "--select", "+int_rebuilt_moments", "moment_features"]
        run_dbt(part, postgres_url=warehouse.url, data_dir=warehouse.data_dir)
    [(put_together,)] = warehouse.rows(_ROWS_OF_REBUILT_MOMENTS)
    warehouse.build()

    assert put_together == 0
    assert warehouse.rows(_ROWS_OF_REBUILT_MOMENTS) == warehouse.rows(
        "select count(*) from intermediate.int_rebuilt_moments"
    )


def test_unbuilt_are_the_days_that_a_build_did_not_see_and_no_others(warehouse: Warehouse) -> None:
    before, meanwhile = uuid4(), uuid4()
    with psycopg.connect(warehouse.owner_url) as slow, psycopg.connect(warehouse.owner_url) as quick:
        # The oldest transaction of the cluster is older than everything that the build sees.
        touch(slow, meanwhile)
        touch(quick, before)
        quick.commit()
        assert unbuilt(warehouse) == {before}
        with recorded_build(warehouse.url, definition="x") as build:
            build.is_good = True
        slow.commit()

    assert unbuilt(warehouse) == {meanwhile}
    with psycopg.connect(warehouse.url) as pipelines:
        assert purge_touched_days(pipelines) == 1
    assert unbuilt(warehouse) == {meanwhile}


def move_half(warehouse: Warehouse, tz: str) -> None:
    """Half of the people live elsewhere from now on, and say so in their profiles."""
    with psycopg.connect(warehouse.owner_url) as connection:
        connection.execute("update app.users set tz = %s where user_id::text < '8'", (tz,))


def touch(connection: psycopg.Connection[Any], user_id: UUID) -> None:
    connection.execute(
        "insert into raw.touched_days (user_id, local_date) values (%s, '2026-03-01')", (user_id,)
    )


def unbuilt(warehouse: Warehouse) -> set[UUID]:
    return {user_id for (user_id,) in warehouse.rows("select user_id from raw.unbuilt_days")}
