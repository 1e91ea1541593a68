"""A person's live tiles: from Redis where they are complete and up to date, else from the log in Postgres.

Between an event and its effect in the streams, and while the broker or the streams are away, tiles in Redis do not know
the newest events. Then the days that these touch are computed from the log, and only those.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Final, Literal, LiteralString, NamedTuple
from uuid import UUID

from aurora.features.live import live_days, read_logs, read_tiles_of_many
from aurora.features.tiles import Tiles, tiles_of
from aurora.features.vector import Moment
from serving.database import Connection
from serving.redis_access import RedisAccess

Source = Literal["live", "log"]

MOST_DAYS: Final = 7
"""Of more days than these all are read from the log: it takes no longer, and asks Redis nothing."""

# Two questions, because each is answered by an index of its own. A correction also touches the days of the versions
# before it. What is sent again by hand may have anything for an id.
_TOUCHED: Final[LiteralString] = """
    with behind as (
        select user_id, body from raw.outbox
        where user_id = any(%(user_ids)s) and published_at is null and due_at <= now()
        union all
        select user_id, body from raw.outbox
        where
            user_id = any(%(user_ids)s)
            and published_at is not null
            and consumed_at is null
            and topic = 'aurora.events.accepted.v1'
    )
    select user_id, body ->> 'local_date' from behind
    union
    select behind.user_id, keys.local_date::text
    from behind
    inner join raw.event_keys as keys
        on
            keys.user_id = behind.user_id
            and keys.event_id = case
                when behind.body ->> 'event_id' ~ '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'
                    then (behind.body ->> 'event_id')::uuid
            end
"""


class LiveTiles(NamedTuple):
    """The tiles of the last 28 local days, and where they were found: "log" if any of them is not from Redis."""

    tiles: Tiles
    source: Source


async def read_live_tiles(
    connection: Connection, redis: RedisAccess, user_id: UUID, moment: Moment
) -> LiveTiles:
    """The live tiles of one person."""
    return (await read_live_tiles_of_many(connection, redis, {user_id: moment}, moment.as_of))[user_id]


async def read_live_tiles_of_many(
    connection: Connection, redis: RedisAccess, moments: Mapping[UUID, Moment], as_of: datetime
) -> dict[UUID, LiveTiles]:
    """Those of many people, each at the moment that `as_of` is for them: asked at once."""
    touched = await _touched(connection, moments)
    readable = [user_id for user_id, days in touched.items() if days is not None]
    nothing: Mapping[UUID, Tiles | None] = {}
    stored = await redis.attempt(lambda client: read_tiles_of_many(client, readable), otherwise=nothing)
    anew: dict[UUID, Collection[date]] = {}
    for user_id, moment in moments.items():
        all_days, days = live_days(moment.local_date), touched[user_id]
        is_stored = days is not None and stored.get(user_id) is not None
        anew[user_id] = days.intersection(all_days) if days is not None and is_stored else all_days
    events = await read_logs(connection, {user_id: days for user_id, days in anew.items() if days}, as_of)
    found: dict[UUID, LiveTiles] = {}
    for user_id, days in anew.items():
        kept = {day: of_day for day, of_day in (stored.get(user_id) or {}).items() if day not in days}
        is_live = stored.get(user_id) is not None and touched[user_id] == set()
        found[user_id] = LiveTiles(kept | tiles_of(events.get(user_id, ())), "live" if is_live else "log")
    return found


async def _touched(connection: Connection, user_ids: Collection[UUID]) -> dict[UUID, set[date] | None]:
    """The days of each person that tiles in Redis do not know all of; None when they are many, or one is none."""
    cursor = await connection.execute(_TOUCHED, {"user_ids": list(user_ids)})
    texts: dict[UUID, list[str | None]] = {user_id: [] for user_id in user_ids}
    for user_id, text in await cursor.fetchall():
        texts[user_id].append(text)
    return {user_id: _days(theirs) for user_id, theirs in texts.items()}


def _days(texts: list[str | None]) -> set[date] | None:
    if len(texts) > MOST_DAYS:
        return None
    try:
        return {date.fromisoformat(text or "") for text in texts}
    except ValueError:
        return None
