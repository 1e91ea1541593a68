"""Knocks: on Redis, a word to whoever has this person's sockets that there is something to read.

A knock carries a position and nothing else. One that is lost, repeated, early or forged costs a look into the
log: what is told, and in which order, is the log's alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from aurora.notices.log import Head

log = structlog.get_logger(__name__)

_PREFIX: Final = "aurora:ws:"


def channel_of(user_id: UUID) -> str:
    return f"{_PREFIX}{user_id}"


def user_of(channel: str) -> UUID:
    """Whose channel this is; ValueError when it is nobody's."""
    return UUID(channel.removeprefix(_PREFIX))


async def knock(redis: Redis, heads: Iterable[Head]) -> None:
    """Say that these lines have grown, after the commit. Without Redis the readers look by themselves."""
    try:
        async with redis.pipeline(transaction=False) as pipe:
            for head in heads:
                pipe.publish(channel_of(head.user_id), str(head.position))
            if len(pipe):
                await pipe.execute()
    except (RedisError, OSError) as error:
        log.warning("knock_not_heard", problem=type(error).__name__)
