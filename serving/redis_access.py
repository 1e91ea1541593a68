"""Redis on the request path: short time-outs, no retries, and a pause after a failure.

Redis holds only what can be rebuilt, so each caller says what it does without it. After a failure nobody
asks for a second: one slow answer, not one for every request.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

T = TypeVar("T")
PAUSE_SECONDS = 1.0

log = structlog.get_logger(__name__)


class RedisAccess:
    """One worker's way to Redis."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        self.pool = ConnectionPool.from_url(
            url,
            socket_connect_timeout=timeout_seconds,
            socket_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 0),
        )
        self.client: Redis = Redis(connection_pool=self.pool)
        self._closed_until = 0.0

    @property
    def is_away(self) -> bool:
        """Whether it failed a moment ago."""
        return time.monotonic() < self._closed_until

    def note_failure(self, error: Exception) -> None:
        if not self.is_away:
            log.warning("redis_away", problem=type(error).__name__)
        self._closed_until = time.monotonic() + PAUSE_SECONDS

    async def attempt(self, ask: Callable[[Redis], Awaitable[T]], otherwise: T) -> T:
        """What Redis says, or `otherwise` when it does not answer in time."""
        if self.is_away:
            return otherwise
        try:
            return await ask(self.client)
        except (RedisError, OSError, TimeoutError) as error:
            self.note_failure(error)
            return otherwise

    async def answers(self) -> bool:
        return bool(await self.attempt(lambda client: client.ping(), otherwise=False))

    async def close(self) -> None:
        await self.client.aclose()
        await self.pool.aclose()
