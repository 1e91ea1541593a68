"""dbt's tests find values that cannot be, and rows that belong to nothing or are there twice, before anybody does."""

from __future__ import annotations

from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from pipelines.transformation.dbt_runs import run_dbt
from tests.pipelines.transformation.conftest import Warehouse
from tests.pipelines.transformation.lives import Received, store

ANA = UUID(int=1, version=4)

# What each test has to find. Some look for what another statement takes away: the second day is kept apart for them.
SPOILT: dict[str, LiteralString] = {
    "values_of_int_events_are_possible": "update intermediate.int_events set modality = 'guessed'",
    "values_of_int_workouts_are_possible": "update intermediate.int_workouts set duration_minutes = -1",
    "values_of_int_other_tiles_are_possible": "update intermediate.int_other_tiles set total = highest * n + 1",
    "values_of_int_rating_tiles_are_possible": "update intermediate.int_rating_tiles set total = highest * n + 1",
    "values_of_merged_nights_are_possible": "update intermediate.int_sleep_merged_to_nights set asleep_minutes = -1",
    "values_of_int_nights_are_possible": "update intermediate.int_nights set bedtime_minutes_after_noon = 1440",
    "values_of_int_days_are_possible": "update intermediate.int_days set energy_mean = 10.5",
    "values_of_int_labels_are_possible": "update intermediate.int_labels set value = 11",
    "values_of_int_moments_are_possible": "update intermediate.int_moments set precision = 'day'",
    "values_of_int_source_days_are_possible": "update intermediate.int_source_days set events = 0",
    "values_of_scores_are_possible": "update scores.daily_energy_scores set score_state = 'GOOD' where score is null",
    "values_of_predictions_are_possible": "update predictions.predictions set class = 'happy'",
    "other_tiles_are_of_days": "delete from intermediate.int_days where local_date = '2026-03-03'",
    "rating_tiles_are_of_days": "delete from intermediate.int_days where local_date = '2026-03-03'",
    "nights_are_of_days": "delete from intermediate.int_days where local_date = '2026-03-03'",
    "workouts_are_events": "update intermediate.int_workouts set event_id = gen_random_uuid()",
    "labels_are_events": "delete from intermediate.int_events where type = 'energy.rated'",
}

# Nearly all tables have keys: what doubles rows is a view's own SQL.
DOUBLED_IN_HISTORY = {
    "rows_of_coverage_are_unique": "marts.coverage",
    "rows_of_model_accuracy_are_unique": "marts.model_accuracy",
    "rows_of_model_drift_are_unique": "marts.model_drift",
    "rows_of_stg_drift_are_unique": "staging.stg_drift",
}
"""Views of which every test judges all rows, tagged `all_history`."""
DOUBLED_IN_DAYS = {
    "rows_of_predictions_are_unique": "marts.predictions",
    "rows_of_prediction_accuracy_are_unique": "marts.prediction_accuracy",
}
"""Views of which all rows are judged in a full build, else those of the build's days."""

TILES = ("int_rating_tiles", "int_other_tiles")
"""Tables whose key no index keeps."""


def event(kind: str, at: str, until: str, payload: dict[str, float]) -> Received:
    body: dict[str, Any] = {
        "event_id": str(uuid4()),
        "version": 1,
        "type": kind,
        "started_at": f"{at}+00:00",
        "ended_at": f"{until}+00:00",
        "recorded_at": f"{until}+00:00",
        "tz": "UTC",
        "source": {"name": "test"},
        "payload": payload,
    }
    return Received(ANA, body)


@pytest.fixture
def built(warehouse: Warehouse) -> Warehouse:
    """Two days of one person, two predictions, of one the truth, a measured drift, and the warehouse built of them."""
    lived = [
        event("sleep.recorded", "2026-03-02T23:00", "2026-03-03T07:00", {"asleep_minutes": 420}),
        event("exercise.recorded", "2026-03-03T18:00", "2026-03-03T18:30", {"duration_minutes": 30}),
        event("stress.rated", "2026-03-03T12:00", "2026-03-03T12:00", {"stress": 5}),
        event("energy.rated", "2026-03-04T12:00", "2026-03-04T12:00", {"energy": 5}),
    ]
    store(warehouse.owner_url, lived)
    with psycopg.connect(warehouse.owner_url) as connection:
        connection.execute(
            "insert into predictions.predictions (prediction_id, user_id, model_name, model_version, model_source,"
            " as_of, made_at, local_date, value, class, features, origin) values"
            " (gen_random_uuid(), %(ana)s, 'mood', '1', 'model', '2026-03-03 12:00Z', '2026-03-03 12:00Z',"
            " '2026-03-03', 0.5, 'positive', '{}', 'batch'),"
            " (gen_random_uuid(), %(ana)s, 'energy', null, 'baseline', '2026-03-04 11:30Z', '2026-03-04 11:30Z',"
            " '2026-03-04', 6, null, '{}', 'batch')",
            {"ana": ANA},
        )
        connection.execute(
            "insert into predictions.drift (cohort, model_name, model_version, measured_date, column_name, state,"
            " rows, people, left_out_rows, window_days, method_version)"
            " values ('real', 'energy', '1', '2026-03-04', 'prediction', 'not_enough', 1, 1, 0, 7, 1)"
        )
    warehouse.build()
    return warehouse


def test_values_that_cannot_be_are_found_in_the_days_of_a_build(built: Warehouse) -> None:
    before = found(built)
    with psycopg.connect(built.owner_url) as connection:
        for statement in SPOILT.values():
            connection.execute(statement)

    assert before == set()
    assert found(built) == set(SPOILT)


def test_a_tile_that_is_there_twice_is_found_without_a_key(built: Warehouse) -> None:
    tests = {f"rows_of_{table}_are_unique": f"intermediate.{table}" for table in TILES}
    before = not_passed(built, ["test", "--select", *tests])
    with psycopg.connect(built.owner_url) as connection:
        for table in tests.values():
            double_rows(connection, table)

    assert before == set()
    assert not_passed(built, ["test", "--select", *tests]) == set(tests)


def test_values_of_days_that_a_build_did_not_write_are_not_looked_at_again(built: Warehouse) -> None:
    with psycopg.connect(built.owner_url) as connection:
        connection.execute("update intermediate.int_events set modality = 'guessed'")
        connection.execute("delete from staging.stg_touched_days")

    assert found(built) == set()


def test_rows_that_are_there_twice_are_found_in_all_of_history(built: Warehouse) -> None:
    views = DOUBLED_IN_HISTORY | DOUBLED_IN_DAYS
    before = judged_whole(built, *views)
    with psycopg.connect(built.owner_url) as connection:
        # What is found now is found in days that no build writes.
        connection.execute("delete from staging.stg_touched_days")
        for view in views.values():
            double(connection, view)

    assert before == dict.fromkeys(views, "pass")
    assert not_passed(built, ["test", "--select", *views]) == set(DOUBLED_IN_HISTORY)
    # One by one: a build leaves out what stands on something that has failed.
    assert [judged_whole(built, name) for name in views] == [{name: "fail"} for name in views]


def test_predictions_that_cannot_be_are_told_in_all_of_history_and_stop_no_build(built: Warehouse) -> None:
    name = "values_of_predictions_are_possible"
    with psycopg.connect(built.owner_url) as connection:
        connection.execute("delete from staging.stg_touched_days")
        connection.execute("update predictions.predictions set value = 10.5 where model_name = 'energy'")

    assert not_passed(built, ["test", "--select", name]) == set()
    assert judged_whole(built, name) == {name: "warn"}


def double(connection: psycopg.Connection[Any], view: str) -> None:
    """From now on each row of the view is there twice."""
    [(definition,)] = connection.execute("select pg_get_viewdef(%s::regclass)", (view,)).fetchall()
    statement = (
        "create or replace view {} as with once as ({}) select * from once union all select * from once"
    )
    name, query = sql.Identifier(*view.split(".")), sql.SQL(definition.rstrip().removesuffix(";"))
    connection.execute(sql.SQL(statement).format(name, query))


def double_rows(connection: psycopg.Connection[Any], table: str) -> None:
    name = sql.Identifier(*table.split("."))
    connection.execute(sql.SQL("insert into {} select * from {}").format(name, name))


def judged_whole(warehouse: Warehouse, *names: str) -> dict[str, str]:
    """What these tests say in a full build, which judges all rows."""
    arguments = ["build", "--full-refresh", "--select", *names]
    results = run_dbt(arguments, postgres_url=warehouse.url, data_dir=warehouse.data_dir)
    return {result.name: result.status for result in results}


def not_passed(warehouse: Warehouse, arguments: list[str]) -> set[str]:
    results = run_dbt(arguments, postgres_url=warehouse.url, data_dir=warehouse.data_dir)
    return {result.name for result in results if result.status != "pass"}


def found(warehouse: Warehouse) -> set[str]:
    """Tests of values and of belonging that do not pass."""
    selected = ["test", "--select", "test_name:values_are_possible", "test_name:rows_belong_to"]
    results = run_dbt(selected, postgres_url=warehouse.url, data_dir=warehouse.data_dir)
    assert {result.name for result in results} == set(SPOILT)
    return {result.name for result in results if result.status != "pass"}
