"""A cohort can be replayed on its own dates: nothing later is seen, and nobody else is meant."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from aurora import clock
from aurora.settings import load_settings
from pipelines.daily import ReplayWithoutCohortError, run_daily_job
from pipelines.prediction.assets import PREDICTION_ASSETS
from pipelines.resources import ReplayResource, default_resources
from tests.pipelines.training.warehouse import START, add_people, add_tiles, build_tables


def test_a_run_that_replays_nothing_takes_now_for_now_and_means_everybody() -> None:
    replay = ReplayResource()

    assert replay.until is None
    assert abs(replay.now - clock.now()) < timedelta(minutes=1)
    assert replay.is_meant("real")


def test_a_replay_takes_its_own_instant_for_now_and_means_one_cohort() -> None:
    replay = ReplayResource(as_of="2021-03-01T02:00:00", cohort="soccermon")

    assert replay.now == replay.until == datetime(2021, 3, 1, 2, tzinfo=UTC)
    assert replay.is_meant("soccermon")
    assert not replay.is_meant("real")


def test_a_daily_run_of_the_past_has_to_name_its_cohort(tmp_path: Path) -> None:
    settings = load_settings(data_dir=str(tmp_path))

    with pytest.raises(ReplayWithoutCohortError, match="--cohort"):
        run_daily_job(date(2026, 1, 1), settings, lambda *_: None, as_of=START)


def test_replayed_predictions_are_of_the_cohorts_own_day(committed_database: str, tmp_path: Path) -> None:
    with psycopg.connect(committed_database) as connection:
        build_tables(connection)
        add_people(connection, cohort="study", people=2, days=20)
        add_people(connection, cohort="other", people=2, days=20)
        add_tiles(connection)
    resources = default_resources(
        {"postgres_url": committed_database, "data_dir": str(tmp_path)},
        replay=ReplayResource(as_of=(START + timedelta(days=5)).isoformat(), cohort="study"),
    )

    assert dg.materialize(PREDICTION_ASSETS, resources=resources).success

    with psycopg.connect(committed_database) as connection:
        predicted = connection.execute(
            "select distinct users.cohort, predictions.as_of"
            " from predictions.predictions as predictions"
            " inner join app.users as users on users.user_id = predictions.user_id"
        ).fetchall()
    assert predicted == [("study", START + timedelta(days=5))]
