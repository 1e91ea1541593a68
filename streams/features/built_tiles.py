"""The tiles that the warehouse has built, for filling live state in bulk: all people's in a few queries.

A tile of the warehouse says what was known when, so it serves any `as_of`; only days that the last good build
did not see are stale there, and those are read from the log.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import tuple_row

from aurora.features.built_tiles import READ_BUILT_TILES, DaysOfTiles, days_of_built
from aurora.features.live import read_logs
from aurora.features.packing import KEPT
from aurora.features.tiles import tiles_of

Connection = psycopg.AsyncConnection[Any]

# Read before the tiles: whatever a build changes meanwhile, no day is missed.
_UNBUILT: Final[LiteralString] = """
    select distinct user_id, local_date
    from raw.unbuilt_days
    where user_id = any(%(user_ids)s) and local_date between %(first)s and %(last)s
"""


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
    await cursor.execute(READ_BUILT_TILES, parameters)
    found: dict[UUID, DaysOfTiles] = {user_id: {} for user_id in days}
    for user_id, tiles in await cursor.fetchall():
        wanted = days[user_id]
        found[user_id] = {day: of for day, of in days_of_built(tiles).items() if day in wanted}
    logs = await read_logs(connection, unbuilt, as_of)
    for user_id, theirs in unbuilt.items():
        logged = tiles_of(logs[user_id], KEPT)
        found[user_id] = {day: of for day, of in found[user_id].items() if day not in theirs} | logged
    return found, sum(map(len, unbuilt.values()))
