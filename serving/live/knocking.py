"""Hearing knocks: the one subscription of a worker to Redis, which comes back by itself.

What was said while it was away is not heard. So each channel is reported when its subscription begins to
hold: whoever listens looks into the log then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from aurora.notices.knocks import channel_of, user_of

log = structlog.get_logger(__name__)

LONGEST_PAUSE_SECONDS: Final = 5.0

AnyPosition: Final = -1
"""What is reported when a subscription begins: there may be anything."""


class Knocks:
    """Calls `on_knock(user_id, position)` for the people that are wanted."""

    def __init__(
        self,
        redis_url: str,
        wanted: Callable[[], Iterable[UUID]],
        on_knock: Callable[[UUID, int], None],
    ) -> None:
        # Not the client of the request path: a subscription waits for as long as nothing happens.
        self._redis: Redis = Redis.from_url(
            redis_url, socket_connect_timeout=2, health_check_interval=15, retry=Retry(NoBackoff(), 0)
        )
        self._wanted = wanted
        self._on_knock = on_knock
        self._pubsub: PubSub | None = None

    @property
    def is_away(self) -> bool:
        return self._pubsub is None

    async def want(self, user_id: UUID) -> None:
        await self._ask("subscribe", user_id)

    async def leave(self, user_id: UUID) -> None:
        await self._ask("unsubscribe", user_id)

    async def _ask(self, action: str, user_id: UUID) -> None:
        if self._pubsub is None:
            return  # the next connection subscribes to all that is wanted
        try:
            await getattr(self._pubsub, action)(channel_of(user_id))
        except (RedisError, OSError, AttributeError) as error:  # AttributeError: redis-py, just disconnected
            log.warning("hub_subscription_failed", problem=type(error).__name__)

    async def listen(self) -> None:
        """Hear Redis, for ever."""
        pause = 0.1
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    begun = set(self._wanted())
                    await pubsub.subscribe(*(channel_of(user_id) for user_id in begun))
                    self._pubsub = pubsub
                    # Who was wanted meanwhile found no connection to ask with.
                    for user_id in set(self._wanted()) - begun:
                        await self.want(user_id)
                    pause = 0.1
                    async for message in pubsub.listen():
                        self._hear(message)
            except Exception as error:  # noqa: BLE001  # whatever it was: without this task the hub is deaf for ever
                log.warning("hub_away", problem=type(error).__name__)
            finally:
                self._pubsub = None
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _hear(self, message: dict[str, Any]) -> None:
        try:
            user_id = user_of(message["channel"].decode())
            if message["type"] == "subscribe":
                self._on_knock(user_id, AnyPosition)
            elif message["type"] == "message":
                self._on_knock(user_id, int(message["data"]))
        except (ValueError, TypeError, AttributeError):
            log.warning("knock_unreadable")

    async def close(self) -> None:
        await self._redis.aclose()
