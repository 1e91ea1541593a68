"""A person's live tiles: from Redis where they are complete and up to date, else from the log in Postgres.

Between an event and its effect in the streams, and while the broker or the streams are away, tiles in Redis do not know
the newest events. Then the days that these touch are computed from the log, and only those.
"""

from __future__ import annotations

from datetime import date
from typing import Final, Literal, LiteralString
from uuid import UUID

from aurora.features.live import live_days, read_log, read_tiles, tiles_from_log
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
        select body from raw.outbox
        where user_id = %(user_id)s and published_at is null and due_at <= now()
        union all
        select body from raw.outbox
        where
            user_id = %(user_id)s
            and published_at is not null
            and consumed_at is null
            and topic = 'aurora.events.accepted.v1'
    )
    select body ->> 'local_date' from behind
    union
    select keys.local_date::text
    from behind
    inner join raw.event_keys as keys
        on
            keys.user_id = %(user_id)s
            and keys.event_id = case
                when body ->> 'event_id' ~ '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'
                    then (body ->> 'event_id')::uuid
            end
"""


async def read_live_tiles(
    connection: Connection, redis: RedisAccess, user_id: UUID, moment: Moment
) -> tuple[Tiles, Source]:
    """The tiles of the last 28 local days, and where they were found: "log" if any of them is not from Redis."""
    cursor = await connection.execute(_TOUCHED, {"user_id": user_id})
    touched = _days([text for (text,) in await cursor.fetchall()])
    tiles = None
    if touched is not None:
        tiles = await redis.attempt(lambda client: read_tiles(client, user_id), otherwise=None)
    if touched is None or tiles is None:
        return await tiles_from_log(connection, user_id, moment.local_date, moment.as_of), "log"
    if not touched:
        return tiles, "live"
    anew = touched.intersection(live_days(moment.local_date))
    events = await read_log(connection, user_id, anew, moment.as_of)
    return {day: of_day for day, of_day in tiles.items() if day not in anew} | tiles_of(events), "log"


def _days(texts: list[str | None]) -> set[date] | None:
    """The days that are named; None when they are many, or one of them is none."""
    if len(texts) > MOST_DAYS:
        return None
    try:
        return {date.fromisoformat(text or "") for text in texts}
    except ValueError:
        return None
