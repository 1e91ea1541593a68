"""What an operator tells everybody: one notice in everybody's line."""

from __future__ import annotations

import asyncio

import psycopg
from redis.asyncio import Redis

from aurora.notices.knocks import knock
from aurora.notices.log import EVERYBODY, append
from aurora.notices.messages import AnnouncementNotice
from serving.audit.actors import COMMAND
from serving.audit.recording import PUBLIC, Change, record


def announce(postgres_url: str, redis_url: str, text: str) -> None:
    """Tell everybody who listens, or comes back within the days that notices are kept."""
    asyncio.run(_announce(postgres_url, redis_url, AnnouncementNotice(text=text)))


async def _announce(postgres_url: str, redis_url: str, notice: AnnouncementNotice) -> None:
    async with await psycopg.AsyncConnection.connect(postgres_url, connect_timeout=5) as connection:
        heads = await append(connection, [(EVERYBODY, notice)])
        said = Change(PUBLIC, after={"text": notice.text})
        position = heads[0].position
        await record(connection, "announcement.made", position, owner=None, actor=COMMAND, change=said)
    async with Redis.from_url(redis_url) as redis:
        await knock(redis, heads)
