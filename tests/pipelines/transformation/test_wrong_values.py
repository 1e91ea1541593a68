"""A value that cannot be, or a row that belongs to nothing, is found by dbt's tests before anybody reads it."""

from __future__ import annotations

from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest

from pipelines.transformation.dbt_runs import run_dbt
from tests.pipelines.transformation.conftest import Warehouse
from tests.pipelines.transformation.lives import Received, store

ANA = UUID(int=1, version=4)

# What each test has to find. Some look for what another statement takes away: the second day is kept apart for them.
SPOILT: dict[str, LiteralString] = {
    "values_of_int_events_are_possible": "update intermediate.int_events set modality = 'guessed'",
    "values_of_int_workouts_are_possible": "update intermediate.int_workouts set duration_minutes = -1",
    "values_of_int_tiles_are_possible": "update intermediate.int_tiles set total = highest * n + 1",
    "values_of_merged_nights_are_possible": "update intermediate.int_sleep_merged_to_nights set asleep_minutes = -1",
    "values_of_int_nights_are_possible": "update intermediate.int_nights set bedtime_minutes_after_noon = 1440",
    "values_of_int_days_are_possible": "update intermediate.int_days set energy_mean = 10.5",
    "values_of_int_labels_are_possible": "update intermediate.int_labels set value = 11",
    "values_of_int_moments_are_possible": "update intermediate.int_moments set precision = 'day'",
    "values_of_int_source_days_are_possible": "update intermediate.int_source_days set events = 0",
    "values_of_scores_are_possible": "update scores.daily_energy_scores set score_state = 'GOOD' where score is null",
    "values_of_predictions_are_possible": "update predictions.predictions set class = 'happy'",
    "tiles_are_of_days": "delete from intermediate.int_days where local_date = '2026-03-03'",
    "nights_are_of_days": "delete from intermediate.int_days where local_date = '2026-03-03'",
    "workouts_are_events": "update intermediate.int_workouts set event_id = gen_random_uuid()",
    "labels_are_events": "delete from intermediate.int_events where type = 'energy.rated'",
}


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
    """Two days of one person, a prediction, and the warehouse built of them."""
    lived = [
        event("sleep.recorded", "2026-03-02T23:00", "2026-03-03T07:00", {"asleep_minutes": 420}),
        event("exercise.recorded", "2026-03-03T18:00", "2026-03-03T18:30", {"duration_minutes": 30}),
        event("energy.rated", "2026-03-04T12:00", "2026-03-04T12:00", {"energy": 5}),
    ]
    store(warehouse.owner_url, lived)
    with psycopg.connect(warehouse.owner_url) as connection:
        connection.execute(
            "insert into predictions.predictions (prediction_id, user_id, model_name, model_version, model_source,"
            " as_of, local_date, value, class, features, origin) values (gen_random_uuid(), %s, 'mood', '1', 'model',"
            " '2026-03-03 12:00Z', '2026-03-03', 0.5, 'positive', '{}', 'batch')",
            (ANA,),
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


def test_values_of_days_that_a_build_did_not_write_are_not_looked_at_again(built: Warehouse) -> None:
    with psycopg.connect(built.owner_url) as connection:
        connection.execute("update intermediate.int_events set modality = 'guessed'")
        connection.execute("delete from staging.stg_touched_days")

    assert found(built) == set()


def found(warehouse: Warehouse) -> set[str]:
    """Tests of values and of belonging that do not pass."""
    selected = ["test", "--select", "test_name:values_are_possible", "test_name:rows_belong_to"]
    results = run_dbt(selected, postgres_url=warehouse.url, data_dir=warehouse.data_dir)
    assert {result.name for result in results} == set(SPOILT)
    return {result.name for result in results if result.status != "pass"}
