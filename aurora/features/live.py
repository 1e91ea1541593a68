"""Live state: the tiles of the last 28 days in Redis, and the way back to them from the log in Postgres.

Redis holds only what can be rebuilt. A person without tiles there is read from the log, so that wiping Redis
costs time and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.rows import tuple_row
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from aurora.features.tiles import LIVE_DAYS, LoggedEvent, Tile, pack, tiles_of, unpack

TILES_TTL: Final = timedelta(days=LIVE_DAYS + 2)

_FILLED: Final = b"filled"
"""A field beside the days which says that all of the person's days are here, also when there are none."""

FURTHEST_FROM_DAY: Final = (timedelta(days=9), timedelta(days=3))
"""How long before and after its local day an event can have begun: seven days of sleep, and any zone."""

# A version counts when no later one of the same event was known, on whatever day that one lies.
_VISIBLE: Final = """
select
    events.user_id, events.event_id, events.type, events.started_at, events.ended_at, events.local_date,
    events.local_started_at, events.precision, events.payload
from unnest(%(user_ids)s::uuid[], %(days)s::date[]) as wanted (user_id, local_date)
inner join raw.events as events using (user_id, local_date)
where
    events.started_at between %(first)s and %(last)s
    and events.available_at <= %(as_of)s
    and not events.is_deleted
    and not exists (
        select from raw.event_keys as keys
        inner join raw.events as later using (user_id, event_id, version, started_at)
        where
            keys.user_id = events.user_id
            and keys.event_id = events.event_id
            and keys.version > events.version
            and later.available_at <= %(as_of)s
    )
"""


def tiles_key(user_id: UUID) -> str:
    return f"aurora:tiles:{user_id}"


def live_days(today: date) -> list[date]:
    """The local days that live state holds, oldest first."""
    return [today - timedelta(days=days) for days in range(LIVE_DAYS - 1, -1, -1)]


async def read_log(
    connection: psycopg.AsyncConnection[Any], user_id: UUID, days: Collection[date], as_of: datetime
) -> list[LoggedEvent]:
    """The events of these local days in the version known at `as_of`, deleted ones left out."""
    return (await read_logs(connection, {user_id: days}, as_of))[user_id]


async def read_logs(
    connection: psycopg.AsyncConnection[Any], days: Mapping[UUID, Collection[date]], as_of: datetime
) -> dict[UUID, list[LoggedEvent]]:
    """The same of many people in one query, each with days of their own."""
    found: dict[UUID, list[LoggedEvent]] = {user_id: [] for user_id in days}
    wanted = [(user_id, day) for user_id, theirs in days.items() for day in theirs]
    if not wanted:
        return found
    before, after = FURTHEST_FROM_DAY
    parameters = {
        "user_ids": [user_id for user_id, _ in wanted],
        "days": [day for _, day in wanted],
        # Two constants, so that the planner leaves out the partitions of all other months.
        "first": datetime.combine(min(day for _, day in wanted), time(), UTC) - before,
        "last": datetime.combine(max(day for _, day in wanted), time(), UTC) + after,
        "as_of": as_of,
    }
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_VISIBLE, parameters)
        async for user_id, *columns in cursor:
            found[user_id].append(LoggedEvent(*columns))
    return found


async def tiles_from_log(
    connection: psycopg.AsyncConnection[Any], user_id: UUID, today: date, as_of: datetime
) -> dict[date, dict[str, Tile]]:
    """All live tiles of one person, computed from the log."""
    return tiles_of(await read_log(connection, user_id, live_days(today), as_of))


async def write_days(redis: Redis, user_id: UUID, days: Mapping[date, Mapping[str, Tile]]) -> None:
    """Replace the tiles of these local days; a day without events is removed. Days beyond them stay."""
    async with redis.pipeline(transaction=True) as pipe:
        put_days(pipe, user_id, days)
        await pipe.execute()


def put_days(pipe: Pipeline, user_id: UUID, days: Mapping[date, Mapping[str, Tile]]) -> None:
    """The commands of `write_days`, for a pipeline that writes those of many people."""
    key = tiles_key(user_id)
    for day, tiles in days.items():
        if tiles:
            pipe.hset(key, day.isoformat(), pack(tiles))
        else:
            pipe.hdel(key, day.isoformat())
    pipe.expire(key, TILES_TTL)


async def fill(redis: Redis, user_id: UUID, tiles: Mapping[date, Mapping[str, Tile]], today: date) -> None:
    """Replace everything that Redis holds of one person with these tiles."""
    async with redis.pipeline(transaction=True) as pipe:
        put_all(pipe, user_id, tiles, today)
        await pipe.execute()


def put_all(pipe: Pipeline, user_id: UUID, tiles: Mapping[date, Mapping[str, Tile]], today: date) -> None:
    """The commands of `fill`, for a pipeline that fills many people."""
    key = tiles_key(user_id)
    fields: dict[str | bytes, bytes] = {
        day.isoformat(): pack(measures) for day, measures in tiles.items() if measures
    }
    pipe.delete(key)
    pipe.hset(key, mapping={**fields, _FILLED: today.isoformat().encode()})
    pipe.expire(key, TILES_TTL)


async def read_tiles(redis: Redis, user_id: UUID) -> dict[date, dict[str, Tile]] | None:
    """The tiles that Redis holds of a person, or None when it does not hold all of them."""
    return (await read_tiles_of_many(redis, [user_id]))[user_id]


async def read_tiles_of_many(
    redis: Redis, user_ids: Collection[UUID]
) -> dict[UUID, dict[date, dict[str, Tile]] | None]:
    """The same of many people, asked at once."""
    async with redis.pipeline(transaction=False) as pipe:
        for user_id in user_ids:
            pipe.hgetall(tiles_key(user_id))
        answers = await pipe.execute()
    return {user_id: _stored(answer) for user_id, answer in zip(user_ids, answers, strict=True)}


def _stored(answer: Mapping[bytes, bytes]) -> dict[date, dict[str, Tile]] | None:
    if _FILLED not in answer:
        return None
    return {
        date.fromisoformat(day.decode()): unpack(packed) for day, packed in answer.items() if day != _FILLED
    }
