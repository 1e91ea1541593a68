"""Reading from a replica of Postgres, where one is configured, without anybody missing what they have just written.

A replica is behind by some milliseconds, or by more. So whoever wrote something reads from the primary for some
seconds, on whichever worker: who that is stands in Redis. The replica itself is left alone while it does not answer or
lies further behind than half of that. Nothing is decided by what a replica says: who somebody is, and whatever is
written next, come from the primary.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, LiteralString
from uuid import UUID

import psycopg
import structlog
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from redis.asyncio import Redis

from aurora.database.connections import pool
from serving.database import Connection, Database
from serving.redis_access import RedisAccess

LOOK_SECONDS: Final = 1.0
BELIEVED_SECONDS: Final = 3.0
"""So long after a good look the replica is used."""
REMEMBERED_LOOKS: Final = 60
MOST_REMEMBERED: Final = 100_000

_WRITTEN: Final[LiteralString] = "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"
# Null of a server that is no replica: it was promoted, and goes its own way.
_REPLAYED: Final[LiteralString] = "select pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint"

log = structlog.get_logger(__name__)


class Writers:
    """Who wrote something in the last seconds."""

    def __init__(self, redis: RedisAccess, seconds: float) -> None:
        self._redis = redis
        self._seconds = seconds
        self._wrote_at: dict[UUID, float] = {}

    async def note(self, user_id: UUID) -> None:
        """They write: what they read next comes from the primary."""
        if len(self._wrote_at) >= MOST_REMEMBERED:
            self._wrote_at.clear()
        self._wrote_at[user_id] = time.monotonic()
        await self._redis.attempt(
            lambda client: client.set(_key(user_id), 1, px=round(self._seconds * 1000)), otherwise=None
        )

    async def wrote_lately(self, user_id: UUID) -> bool:
        """Also when nobody knows: without Redis another worker may have taken their write."""
        if time.monotonic() - self._wrote_at.get(user_id, float("-inf")) < self._seconds:
            return True

        async def look(client: Redis) -> bool:
            return bool(await client.exists(_key(user_id)))

        return await self._redis.attempt(look, otherwise=True)


def _key(user_id: UUID) -> str:
    return f"aurora:wrote:{user_id}"


class _Lag:
    """How far a replica is behind, in seconds: when the primary was where the replica is now.

    What a replica says of itself is not enough: one that is no longer sent anything has replayed all that it has.
    """

    def __init__(self) -> None:
        self._written: deque[tuple[float, int]] = deque(maxlen=REMEMBERED_LOOKS)

    def seconds(self, now: float, written: int, replayed: int) -> float:
        self._written.append((now, written))
        return min((now - at for at, position in self._written if position <= replayed), default=float("inf"))


class Replica:
    """Connections to read with: to the replica where that is right, else to the primary."""

    def __init__(
        self,
        primary: Database,
        url: str,
        writers: Writers,
        *,
        size: int,
        wait_seconds: float,
        most_lag: float,
    ) -> None:
        """Without a `url` everything is read from the primary."""
        self._primary = primary
        self._pool = pool(url, size, autocommit=True) if url else None
        self._writers = writers
        self._wait_seconds = wait_seconds
        self._most_lag = most_lag
        self._good_at = float("-inf")
        self._lag = _Lag()

    @property
    def is_usable(self) -> bool:
        return time.monotonic() - self._good_at < BELIEVED_SECONDS

    async def note_write(self, user_id: UUID) -> None:
        if self._pool is not None:
            await self._writers.note(user_id)

    @asynccontextmanager
    async def reading(self, user_id: UUID) -> AsyncIterator[Connection]:
        """A connection for what this person wants to read. On a replica no statement can write."""
        if self._pool is None or not self.is_usable or await self._writers.wrote_lately(user_id):
            async with self._primary.transaction() as connection:
                yield connection
            return
        try:
            connection = await self._pool.getconn(self._wait_seconds)
        except (PoolTimeout, psycopg.OperationalError) as error:
            self._leave(type(error).__name__)
            async with self._primary.transaction() as connection:
                yield connection
            return
        try:
            yield connection
        except psycopg.OperationalError as error:
            self._leave(type(error).__name__)
            raise
        finally:
            await self._pool.putconn(connection)

    async def watch(self) -> None:
        """See every second whether the replica answers and keeps up, for ever."""
        if self._pool is None:
            return
        await self._pool.open(wait=False)
        while True:
            try:
                async with asyncio.timeout(BELIEVED_SECONDS):
                    lag = await self._measure(self._pool)
                if lag <= self._most_lag:
                    self._good_at = time.monotonic()
                else:
                    self._leave("behind")
            except (psycopg.Error, PoolTimeout, TimeoutError) as error:
                self._leave(type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    async def _measure(self, replica: AsyncConnectionPool[Connection]) -> float:
        """How far the replica is behind, in seconds; endless of a server that is none."""
        async with self._primary.transaction() as connection:
            now = time.monotonic()
            [(written,)] = await (await connection.execute(_WRITTEN)).fetchall()
        async with replica.connection() as connection:
            [(replayed,)] = await (await connection.execute(_REPLAYED)).fetchall()
        return float("inf") if replayed is None else self._lag.seconds(now, written, replayed)

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()

    def _leave(self, problem: str) -> None:
        if self.is_usable:
            log.warning("replica_left", problem=problem)
        self._good_at = float("-inf")
