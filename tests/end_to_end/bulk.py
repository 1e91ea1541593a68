"""Many people and events at once, stored as the API stores them, without its requests."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
from redis.asyncio import Redis

from aurora import clock
from aurora.events.acceptance import AcceptedEvent
from aurora.events.storage import store_events
from aurora.features.live import read_tiles_of_many, tiles_from_log
from aurora.features.packing import KEPT
from tests.aurora.events.received import a_received_mood, accepted
from tests.end_to_end.conftest import System

WAITING = "select count(*) from raw.outbox where topic = 'aurora.events.accepted.v1' and consumed_at is null"


async def new_people(system: System, count: int) -> list[UUID]:
    people = [uuid.uuid4() for _ in range(count)]
    async with (
        await psycopg.AsyncConnection.connect(system.database) as connection,
        connection.cursor() as cursor,
    ):
        await cursor.executemany(
            "insert into app.users (user_id, username, tz, data_key_ciphertext)"
            " values (%s, %s, 'Europe/Oslo', '')",
            [(user_id, str(user_id)) for user_id in people],
        )
    return people


def rating(user_id: UUID, energy: Any, *, days_ago: int = 0, **changes: Any) -> AcceptedEvent:
    """An energy rating of a moment ago. One that is no number is stored as well: an error of an earlier release."""
    now = clock.now()
    started_at = (now - timedelta(days=days_ago, seconds=1)).isoformat()
    body = a_received_mood(type="energy.rated", started_at=started_at, payload={"energy": 5}, **changes)
    event = accepted(body, user_id=user_id, received_at=now)
    return replace(event, payload={"energy": energy})


async def store(system: System, events: Sequence[AcceptedEvent]) -> None:
    async with await psycopg.AsyncConnection.connect(system.database) as connection:
        for start in range(0, len(events), 500):
            await store_events(connection, events[start : start + 500])
            await connection.commit()


async def assert_live_state_equals_the_log(system: System, people: Iterable[UUID]) -> None:
    people, as_of = list(people), clock.now()
    today = clock.local_date(as_of, "Europe/Oslo")
    async with (
        Redis.from_url(system.redis) as redis,
        await psycopg.AsyncConnection.connect(system.database) as connection,
    ):
        live = await read_tiles_of_many(redis, people)
        for user_id in people:
            logged = await tiles_from_log(connection, user_id, today, as_of)
            assert live[user_id] == {day: _kept(tiles) for day, tiles in logged.items()}


def _kept(tiles: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tile for name, tile in tiles.items() if name in KEPT}
