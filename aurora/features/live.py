"""Live state: the tiles of the last 28 days in Redis, and the way back to them from the log in Postgres.

Redis holds only what can be rebuilt. A person without tiles there is read from the log, so that wiping Redis
costs time and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.rows import class_row
from redis.asyncio import Redis

from aurora.features.tiles import LIVE_DAYS, LoggedEvent, Tile, pack, tiles_of, unpack

TILES_TTL: Final = timedelta(days=LIVE_DAYS + 2)

_FILLED: Final = b"filled"
"""A field beside the days which says that all of the person's days are here, also when there are none."""

_VISIBLE: Final = """
select
    event_id, type, started_at, ended_at, local_date, local_started_at, precision, payload
from (
    select distinct on (event_id) *
    from raw.events
    where
        user_id = %(user_id)s
        and event_id in (
            select event_id from raw.event_keys
            where user_id = %(user_id)s and local_date = any(%(days)s)
        )
        and available_at <= %(as_of)s
    order by event_id, version desc
) as newest
where not is_deleted and local_date = any(%(days)s)
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
    async with connection.cursor(row_factory=class_row(LoggedEvent)) as cursor:
        await cursor.execute(_VISIBLE, {"user_id": user_id, "days": list(days), "as_of": as_of})
        return await cursor.fetchall()


async def tiles_from_log(
    connection: psycopg.AsyncConnection[Any], user_id: UUID, today: date, as_of: datetime
) -> dict[date, dict[str, Tile]]:
    """All live tiles of one person, computed from the log."""
    return tiles_of(await read_log(connection, user_id, live_days(today), as_of))


async def write_days(redis: Redis, user_id: UUID, days: Mapping[date, Mapping[str, Tile]]) -> None:
    """Replace the tiles of these local days; a day without events is removed. Days beyond them stay."""
    key = tiles_key(user_id)
    async with redis.pipeline(transaction=True) as pipe:
        for day, tiles in days.items():
            if tiles:
                pipe.hset(key, day.isoformat(), pack(tiles))
            else:
                pipe.hdel(key, day.isoformat())
        pipe.expire(key, TILES_TTL)
        await pipe.execute()


async def fill(redis: Redis, user_id: UUID, tiles: Mapping[date, Mapping[str, Tile]], today: date) -> None:
    """Replace everything that Redis holds of one person with these tiles."""
    key = tiles_key(user_id)
    fields: dict[str | bytes, bytes] = {
        day.isoformat(): pack(measures) for day, measures in tiles.items() if measures
    }
    async with redis.pipeline(transaction=True) as pipe:
        pipe.delete(key)
        pipe.hset(key, mapping={**fields, _FILLED: today.isoformat().encode()})
        pipe.expire(key, TILES_TTL)
        await pipe.execute()


async def read_tiles(redis: Redis, user_id: UUID) -> dict[date, dict[str, Tile]] | None:
    """The tiles that Redis holds of a person, or None when it does not hold all of them."""
    stored: Mapping[Any, Any] = await redis.hgetall(tiles_key(user_id))  # pyright: ignore[reportGeneralTypeIssues]  # typed for both clients
    if _FILLED not in stored:
        return None
    return {
        date.fromisoformat(day.decode()): unpack(packed) for day, packed in stored.items() if day != _FILLED
    }


async def forget_old_days(redis: Redis, user_id: UUID, days: Sequence[date]) -> None:
    """Remove days that have left the 28."""
    if days:
        await redis.hdel(tiles_key(user_id), *(day.isoformat() for day in days))  # pyright: ignore[reportGeneralTypeIssues]  # typed for both clients
