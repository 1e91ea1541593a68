"""A calendar knows days to come. They are kept, and shown from the moment at which they begin."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest

from aurora import clock
from serving.scores.schemas import ScoreRead
from serving.scores.warehouse import latest_scores
from tests.pipelines.transformation.conftest import Warehouse
from tests.pipelines.transformation.lives import Received, store

NEWEST: dict[str, LiteralString] = {
    "scores": "select max(local_date) from marts.scores",
    "daily_summary": "select max(local_date) from marts.daily_summary",
    "daily_metrics": "select max(local_date) from marts.daily_metrics",
    "metric_averages": "select max(last_date) from marts.metric_averages",
    "user_weeks": "select max(week_date) from marts.user_weeks",
    "features_latest": "select max(local_date) from marts.features_latest",
    "energy_features": "select max(local_date) from marts.energy_features",
    "mood_features": "select max(local_date) from marts.mood_features",
    "timeline": "select max(local_date) from marts.timeline",
    "coverage": "select max(cohort_last_date) from marts.coverage",
}


def an_event(user_id: UUID, kind: str, at: datetime, payload: dict[str, Any]) -> Received:
    body = {
        "event_id": str(uuid4()),
        "type": kind,
        "started_at": at.isoformat(),
        "tz": "UTC",
        "source": {"name": "test"},
        "payload": payload,
        "recorded_at": at.isoformat(),
    }
    return Received(user_id, body)


def who_has_plans(now: datetime) -> list[Received]:
    """Somebody who told of yesterday, told nothing yet today, and has appointments tomorrow and in a month."""
    user_id, yesterday = uuid4(), now - timedelta(days=1)
    appointment = {"duration_minutes": 30}
    return [
        an_event(user_id, "energy.rated", yesterday - timedelta(days=1), {"energy": 4}),
        an_event(user_id, "energy.rated", yesterday, {"energy": 6}),
        an_event(user_id, "exercise.recorded", yesterday, {"moderate_minutes": 30}),
        an_event(user_id, "calendar.scheduled", now + timedelta(days=1), appointment),
        an_event(user_id, "calendar.scheduled", now + timedelta(days=30), appointment),
    ]


@pytest.fixture
def planned(warehouse: Warehouse) -> tuple[Warehouse, datetime, UUID]:
    now = clock.now()
    told = who_has_plans(now)
    store(warehouse.owner_url, told, received_at=now)
    warehouse.build(now=now)
    return warehouse, now, told[0].user_id


def test_days_to_come_are_kept_and_no_mart_tells_of_them(planned: tuple[Warehouse, datetime, UUID]) -> None:
    warehouse, now, _ = planned
    month = (now + timedelta(days=30)).date()
    assert warehouse.rows("select max(local_date) from intermediate.int_days") == [(month,)]

    newest = {mart: warehouse.rows(query)[0][0] for mart, query in NEWEST.items()}

    assert {mart: day for mart, day in newest.items() if day is None or day > now.date()} == {}
    assert newest["scores"] == newest["daily_summary"] == newest["features_latest"] == now.date()
    assert newest["coverage"] == (now - timedelta(days=1)).date()
    [(active_days, events)] = warehouse.rows(
        "select sum((events > 0)::integer), sum(events) from marts.daily_summary"
    )
    assert (active_days, events) == (2, 3)


def test_latest_score_is_of_the_newest_day_that_says_something(
    planned: tuple[Warehouse, datetime, UUID],
) -> None:
    warehouse, now, user_id = planned

    latest = {score.name: score for score in asyncio.run(read_latest(warehouse, user_id))}

    energy, sleep = latest["energy"], latest["sleep"]
    assert (energy.local_date, energy.score) == ((now - timedelta(days=1)).date(), 60)
    # Of what was never told: that it was not.
    assert (sleep.local_date, sleep.score_state) == (now.date(), "UNSCORABLE")
    assert max(score.local_date for score in latest.values()) <= now.date()


async def read_latest(warehouse: Warehouse, user_id: UUID) -> list[ScoreRead]:
    async with await psycopg.AsyncConnection.connect(warehouse.owner_url) as connection:
        return await latest_scores(connection, user_id)
