"""Live state: the tiles of the last 28 days in Redis, and the way back to them from the log in Postgres.

Redis holds only what can be rebuilt. A person without tiles there is read from the log, so that wiping Redis
costs time and nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg
from psycopg.rows import tuple_row
from pydantic_core import from_json
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from aurora.features.packing import (
    ENCODING,
    days_of,
    pack,
    pack_date,
    tiles_of_week,
    unpack_date,
    week_of,
    week_with,
)
from aurora.features.tiles import LIVE_DAYS, LoggedEvent, Tile, Tiles, tiles_of

TILES_TTL: Final = timedelta(days=LIVE_DAYS + 2)

_FILLED: Final = b"filled"
"""A field beside the weeks which says that all days are here since the one that it names, if only empty ones.

It begins with the encoding: days that were packed in another way are as good as not there, and so rebuilt."""

FURTHEST_FROM_DAY: Final = (timedelta(days=9), timedelta(days=3))
"""How long before and after its local day an event can have begun: seven days of sleep, and any zone."""

# A version counts when no later one of the same event was known, on whatever day that one lies.
_VISIBLE: Final = """
select
    wanted.number, events.event_id, events.type, events.started_at, events.ended_at, events.local_date,
    events.local_started_at, events.precision, events.source_name, events.source_device, events.modality,
    events.payload::text
from unnest(%(user_ids)s::uuid[], %(days)s::date[]) with ordinality as wanted (user_id, local_date, number)
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


def oldest_live_day(today: date) -> date:
    return today - timedelta(days=LIVE_DAYS - 1)


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
    # In binary, times and ids need no parsing; and one text holds all payloads, because parsing each by itself
    # takes longer than all the rest of its row.
    async with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
        await cursor.execute(_VISIBLE, parameters)
        rows = await cursor.fetchall()
    payloads = from_json(f"[{','.join([row[-1] for row in rows])}]")
    whose = [found[user_id] for user_id, _ in wanted]
    for row, payload in zip(rows, payloads, strict=True):
        whose[row[0] - 1].append(LoggedEvent._make((*row[1:-1], payload)))
    return found


async def tiles_from_log(
    connection: psycopg.AsyncConnection[Any], user_id: UUID, today: date, as_of: datetime
) -> dict[date, dict[str, Tile]]:
    """All live tiles of one person, computed from the log."""
    return tiles_of(await read_log(connection, user_id, live_days(today), as_of))


class Stored(NamedTuple):
    """What Redis holds of a person: complete since a day, and the fields that were asked for."""

    since: date
    weeks: Mapping[bytes, bytes]


async def read_stored(redis: Redis, days: Mapping[UUID, Collection[date]]) -> dict[UUID, Stored | None]:
    """The fields of Redis in which these days of each person lie; None for a person who is not filled."""
    weeks = {user_id: sorted({week_of(day) for day in theirs}) for user_id, theirs in days.items()}
    async with redis.pipeline(transaction=False) as pipe:
        for user_id, theirs in weeks.items():
            pipe.hmget(tiles_key(user_id), [_FILLED, *theirs])
        answers = await pipe.execute()
    found: dict[UUID, Stored | None] = {}
    for (user_id, theirs), (filled, *packed) in zip(weeks.items(), answers, strict=True):
        since = _since(filled)
        bodies = {week: body for week, body in zip(theirs, packed, strict=True) if body}
        found[user_id] = None if since is None else Stored(since, bodies)
    return found


def put_days(
    pipe: Pipeline, user_id: UUID, days: Mapping[date, Mapping[str, Tile]], stored: Stored, *, since: date
) -> None:
    """The commands that replace these days, and drop what was before `since`.

    Whoever calls this has had the person's turn since before `stored` was read: nobody else writes meanwhile.
    When `since` has moved, `stored` must have the field in which it lies.
    """
    changed = {day: pack(day, tiles) for day, tiles in days.items()}
    written: dict[str | bytes, bytes] = {}
    emptied: list[bytes] = []
    for week in {*stored.weeks, *map(week_of, changed)}:
        before = days_of(week, stored.weeks.get(week))
        after = before | {day: packed for day, packed in changed.items() if week_of(day) == week}
        packed = week_with({day: body for day, body in after.items() if day >= since})
        if not packed:
            emptied.append(week)
        elif packed != stored.weeks.get(week):
            written[week] = packed
    key = tiles_key(user_id)
    if stored.since < since:
        weeks_before = (since - stored.since).days // 7 + 1
        emptied += [week_of(since - timedelta(weeks=number)) for number in range(1, weeks_before + 1)]
        written[_FILLED] = ENCODING + pack_date(since)
        # Once a day is enough for it not to run out.
        pipe.expire(key, TILES_TTL)
    if written:
        pipe.hset(key, mapping={**written})
    if emptied:
        pipe.hdel(key, *emptied)


async def fill(redis: Redis, user_id: UUID, tiles: Mapping[date, Mapping[str, Tile]], *, since: date) -> None:
    """Replace everything that Redis holds of one person with these tiles."""
    async with redis.pipeline(transaction=True) as pipe:
        put_all(pipe, user_id, tiles, since=since)
        await pipe.execute()


def put_all(pipe: Pipeline, user_id: UUID, tiles: Mapping[date, Mapping[str, Tile]], *, since: date) -> None:
    """The commands of `fill`, for a pipeline that fills many people."""
    weeks: dict[bytes, dict[date, bytes]] = defaultdict(dict)
    for day, measures in tiles.items():
        weeks[week_of(day)][day] = pack(day, measures)
    fields: dict[str | bytes, bytes] = {_FILLED: ENCODING + pack_date(since)}
    fields |= {week: packed for week, days in weeks.items() if (packed := week_with(days))}
    key = tiles_key(user_id)
    pipe.delete(key)
    pipe.hset(key, mapping={**fields})
    pipe.expire(key, TILES_TTL)


async def read_tiles(redis: Redis, user_id: UUID) -> Tiles | None:
    """The tiles that Redis holds of a person, or None when it does not hold all of them. Not to be changed."""
    return (await read_tiles_of_many(redis, [user_id]))[user_id]


async def read_tiles_of_many(redis: Redis, user_ids: Collection[UUID]) -> dict[UUID, Tiles | None]:
    """The same of many people, asked at once."""
    async with redis.pipeline(transaction=False) as pipe:
        for user_id in user_ids:
            pipe.hgetall(tiles_key(user_id))
        answers = await pipe.execute()
    return {user_id: _stored(answer) for user_id, answer in zip(user_ids, answers, strict=True)}


def _stored(answer: Mapping[bytes, bytes]) -> Tiles | None:
    if _since(answer.get(_FILLED)) is None:
        return None
    weeks = (tiles_of_week(week, packed) for week, packed in answer.items() if week != _FILLED)
    return {day: tiles for week in weeks for day, tiles in week.items()}


def _since(filled: bytes | None) -> date | None:
    """The day since which all is there; None when nothing is, or nothing that can be read."""
    if filled is None or not filled.startswith(ENCODING):
        return None
    return unpack_date(filled[len(ENCODING) :])
