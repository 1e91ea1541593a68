"""Redis on the request path: short time-outs, no retries, and no request that tries whether it is back.

Redis holds only what can be rebuilt, so each caller says what it does without it. After a failure nobody asks it
anything until it has answered a probe: only the requests that were under way when it went had to wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from aurora.tasks import end

T = TypeVar("T")
PROBE_SECONDS: Final = 0.25

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
        self._probing: asyncio.Task[None] | None = None
        self._on_return: list[Callable[[Redis], Awaitable[None]]] = []

    def on_return(self, act: Callable[[Redis], Awaitable[None]]) -> None:
        """Have this done when Redis answers again, before anybody else asks it anything."""
        self._on_return.append(act)

    @property
    def is_away(self) -> bool:
        """Whether it failed, and has not answered since."""
        return self._probing is not None

    def note_failure(self, error: Exception) -> None:
        """Ask it nothing until it answers a probe."""
        if self._probing is None:
            log.warning("redis_away", problem=type(error).__name__)
            self._probing = asyncio.create_task(self._probe(), name="redis-probe")

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
        if self._probing is not None:
            await end([self._probing])
        await self.client.aclose()
        await self.pool.aclose()

    async def _probe(self) -> None:
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            try:
                await self.client.ping()
                for act in self._on_return:
                    await act(self.client)
            except (RedisError, OSError, TimeoutError):
                continue
            log.info("redis_back")
            self._probing = None
            return
