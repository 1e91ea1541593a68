"""The tiles that the warehouse has built, for filling live state in bulk: all people's in a few queries.

A tile of the warehouse says what was known when, so it serves any `as_of`; only days that the last good build
did not see are stale there, and those are read from the log.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import tuple_row

from aurora.features.live import read_logs
from aurora.features.packing import KEPT
from aurora.features.tiles import Tile, tiles_of

Connection = psycopg.AsyncConnection[Any]
DaysOfTiles = dict[date, dict[str, Tile]]

# Read before the tiles: whatever a build changes meanwhile, no day is missed.
_UNBUILT: Final[LiteralString] = """
    select distinct user_id, local_date
    from raw.unbuilt_days
    where user_id = any(%(user_ids)s) and local_date between %(first)s and %(last)s
"""

_TILES: Final[LiteralString] = """
    select
        user_id,
        json_agg(json_build_array(
            local_date - date '1970-01-01', measure, n, total, squares, lowest, highest, last_value,
            (extract(epoch from last_at) * 1000000)::bigint
        ))::text
    from intermediate.int_tiles
    where
        user_id = any(%(user_ids)s)
        and measure = any(%(measures)s)
        and local_date between %(first)s and %(last)s
        and valid_from <= %(as_of)s
        and valid_until > %(as_of)s
    group by user_id
"""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()


async def was_built(connection: Connection) -> bool:
    """Whether there ever was a good build of the warehouse."""
    cursor = await connection.execute("select from raw.last_good_build")
    return cursor.rowcount > 0


async def read_built_tiles(
    connection: Connection, days: Mapping[UUID, Collection[date]], as_of: datetime
) -> tuple[dict[UUID, DaysOfTiles], int]:
    """The tiles of these days as known at `as_of`, and how many of the days had to be read from the log."""
    parameters = {
        "user_ids": list(days),
        "measures": list(KEPT),
        "first": min(min(theirs) for theirs in days.values()),
        "last": max(max(theirs) for theirs in days.values()),
        "as_of": as_of,
    }
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(_UNBUILT, parameters)
    unbuilt: dict[UUID, list[date]] = defaultdict(list)
    for user_id, day in await cursor.fetchall():
        if day in days[user_id]:
            unbuilt[user_id].append(day)
    await cursor.execute(_TILES, parameters)
    found: dict[UUID, DaysOfTiles] = {user_id: {} for user_id in days}
    for user_id, tiles in await cursor.fetchall():
        found[user_id] = _by_day(json.loads(tiles), days[user_id])
    logs = await read_logs(connection, unbuilt, as_of)
    for user_id, theirs in unbuilt.items():
        logged = tiles_of(logs[user_id], KEPT)
        found[user_id] = {day: of for day, of in found[user_id].items() if day not in theirs} | logged
    return found, sum(map(len, unbuilt.values()))


def _by_day(tiles: list[list[Any]], wanted: Collection[date]) -> DaysOfTiles:
    days: DaysOfTiles = defaultdict(dict)
    for number, measure, n, total, squares, low, high, last, micros in tiles:
        day = date.fromordinal(number + _EPOCH_DAY)
        last_at = _EPOCH + timedelta(microseconds=micros)
        days[day][measure] = Tile(n, total, squares, low, high, last, last_at)
    return {day: of for day, of in days.items() if day in wanted}
