"""The streams for tests: a real Postgres and Redis, people who live in them, and the raw messages of the outbox."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from aurora import clock
from aurora.database.connections import pool
from aurora.events.storage import store_events
from aurora.features.live import tiles_from_log
from aurora.features.packing import KEPT
from aurora.features.tiles import Tile
from aurora.features.vector import Moment
from aurora.notices.knocks import channel_of
from aurora.predictions.champions import Champions
from streams.events.messages import Touch, read_message, to_message
from streams.features.refresher import Refresher
from tests.aurora.events.received import a_received_mood, accepted

Pool = AsyncConnectionPool[psycopg.AsyncConnection[Any]]
TZ = "Europe/Oslo"


@dataclass
class Life:
    """One database with people whose events go the way of the API: into the log and the outbox."""

    owner_url: str
    url: str
    pool: Pool
    redis: Redis
    refresher: Refresher

    async def somebody(self, cohort: str = "real") -> UUID:
        user_id = uuid4()
        await self.execute(
            "insert into app.users (user_id, username, tz, cohort, data_key_ciphertext)"
            " values (%s, %s, %s, %s, '')",
            user_id, str(user_id), TZ, cohort,
        )  # fmt: skip
        return user_id

    async def happens(self, user_id: UUID, *, days_ago: int = 0, **event: Any) -> UUID:
        """An event is stored; its id. A mood now unless told otherwise; `damaged` is a payload past acceptance."""
        event_id, damaged = event.pop("event_id", uuid4()), event.pop("damaged", None)
        now = clock.now()
        started_at = (now - timedelta(days=days_ago, minutes=1)).isoformat()
        received = a_received_mood(**{"event_id": str(event_id), "started_at": started_at, **event})
        stored = accepted(received, user_id=user_id, received_at=now)
        if damaged is not None:
            stored = replace(stored, payload=damaged)
        async with await psycopg.AsyncConnection.connect(self.owner_url) as connection:
            await store_events(connection, [stored])
        return event_id

    async def messages(self) -> list[bytes]:
        """What the relay would send now."""
        found = await self.rows(
            "select outbox_id, body from raw.outbox where consumed_at is null and due_at <= now()"
            " and topic = 'aurora.events.accepted.v1' order by outbox_id"
        )
        return [to_message(body, outbox_id=outbox_id, position=outbox_id) for outbox_id, body in found]

    async def touches(self) -> list[Touch]:
        read = [read_message(raw) for raw in await self.messages()]
        return [touch for touch in read if isinstance(touch, Touch)]

    async def refresh(self) -> None:
        await self.refresher.refresh(await self.touches())

    @asynccontextmanager
    async def listening(self, user_id: UUID) -> AsyncIterator[PubSub]:
        """Somebody has a WebSocket open meanwhile."""
        async with self.redis.pubsub(ignore_subscribe_messages=True) as heard:
            await heard.subscribe(channel_of(user_id))
            await heard.get_message(timeout=1)
            yield heard

    async def tiles_of_log(self, user_id: UUID) -> dict[date, dict[str, Tile]]:
        """What live state should be now."""
        as_of = clock.now()
        async with await psycopg.AsyncConnection.connect(self.owner_url) as connection:
            tiles = await tiles_from_log(connection, user_id, Moment.at(as_of, TZ).local_date, as_of)
        kept = {day: {name: of[name] for name in of if name in KEPT} for day, of in tiles.items()}
        return {day: of for day, of in kept.items() if of}

    async def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        async with await psycopg.AsyncConnection.connect(self.owner_url) as connection:
            return await (await connection.execute(query.encode(), values)).fetchall()

    async def execute(self, query: str, *values: Any) -> None:
        async with await psycopg.AsyncConnection.connect(self.owner_url) as connection:
            await connection.execute(query.encode(), values)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def life_database(committed_database: str) -> str:
    """Where the events of `life` go. A module overrides it where a life happens in a database it has already."""
    return committed_database


@pytest.fixture
async def life(life_database: str, role_url: Callable[..., str], redis: Redis) -> AsyncIterator[Life]:
    url = role_url("aurora_streams", life_database)
    async with pool(url, 3) as connections:
        refresher = Refresher(connections, redis, Champions(url, threads=1))
        yield Life(life_database, url, connections, redis, refresher)


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    """Wait until it is so; the test fails when it does not become so in time."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110  # what is waited for happens in another process
            await asyncio.sleep(0.02)


def today() -> date:
    return clock.local_date(datetime.now(UTC), TZ)


def json_of(raw: bytes | str | None) -> Any:
    assert raw is not None
    return json.loads(raw)
