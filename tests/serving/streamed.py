"""What the streams would have done by now, for tests of an API that has none beside it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import redis.asyncio

from aurora.features.live import fill, tiles_from_log
from aurora.settings import Settings
from tests.serving.conftest import Account


async def stream(settings: Settings, postgres_url: str, who: Account) -> None:
    """Put the tiles of all that a person has told into Redis, and mark it as told and taken."""
    user_id, now = UUID(who.user_id), datetime.now(UTC)
    async with await psycopg.AsyncConnection.connect(postgres_url) as connection:
        tiles = await tiles_from_log(connection, user_id, now.date(), now)
        await connection.execute(
            "update raw.outbox set published_at = now(), consumed_at = now() where user_id = %s", (user_id,)
        )
    async with redis.asyncio.Redis.from_url(settings.redis_url) as client:
        await fill(client, user_id, tiles, since=now.date() - timedelta(days=27))
