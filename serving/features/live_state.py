"""A person's live tiles: from Redis where they are complete and up to date, else from the log in Postgres."""

from __future__ import annotations

from typing import Final, Literal, LiteralString
from uuid import UUID

from aurora.features.live import read_tiles, tiles_from_log
from aurora.features.tiles import Tiles
from aurora.features.vector import Moment
from serving.database import Connection
from serving.redis_access import RedisAccess

Source = Literal["live", "log"]

# While the broker or the streams are away, tiles in Redis do not know the newest events; the log does. Two
# questions, because each is answered by an index of its own.
_IS_BEHIND: Final[LiteralString] = """
    select
        exists (
            select from raw.outbox
            where user_id = %(user_id)s and published_at is null and due_at <= now()
        )
        or exists (
            select from raw.outbox
            where
                user_id = %(user_id)s
                and published_at is not null
                and consumed_at is null
                and topic = 'aurora.events.accepted.v1'
        )
"""


async def read_live_tiles(
    connection: Connection, redis: RedisAccess, user_id: UUID, moment: Moment
) -> tuple[Tiles, Source]:
    """The tiles of the last 28 local days, and where they were found."""
    cursor = await connection.execute(_IS_BEHIND, {"user_id": user_id})
    row = await cursor.fetchone()
    if row is not None and not row[0]:
        tiles = await redis.attempt(lambda client: read_tiles(client, user_id), otherwise=None)
        if tiles is not None:
            return tiles, "live"
    return await tiles_from_log(connection, user_id, moment.local_date, moment.as_of), "log"
