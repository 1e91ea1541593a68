"""One worker's way to Postgres: short transactions out of a pool, and 503 rather than a long wait."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

from aurora.database.connections import pool

Connection = psycopg.AsyncConnection[Any]


@dataclass
class Work:
    """One transaction, and what has to happen as soon as it is committed."""

    connection: Connection
    after_commit: list[Callable[[], Awaitable[object]]] = field(default_factory=list)


class Database:
    """Hands out transactions."""

    def __init__(self, url: str, *, size: int, statements: int, wait_seconds: float) -> None:
        self._pool = pool(url, size)
        # Apart, for groups of posts and of predictions: neither they nor all others can take every connection.
        self._statements = pool(url, statements, autocommit=True)
        # A connection attempt gives up soon: the next request then starts a fresh one, so that the API heals
        # within seconds of Postgres coming back instead of at the end of a long back-off.
        self._pool.reconnect_timeout = self._statements.reconnect_timeout = 3.0
        self._wait_seconds = wait_seconds

    async def open(self) -> None:
        """Start connecting. Does not wait: the API starts, and says 503, while Postgres is away."""
        await self._pool.open(wait=False)
        await self._statements.open(wait=False)

    async def close(self) -> None:
        await self._statements.close()
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction, committed when the block ends well; OperationalError when none is to be had."""
        async with self._pool.connection(timeout=self._wait_seconds) as connection:
            yield connection

    @asynccontextmanager
    async def statements(self) -> AsyncIterator[Connection]:
        """A connection on which each statement is a transaction of its own, if none is opened."""
        async with self._statements.connection(timeout=self._wait_seconds) as connection:
            yield connection

    @asynccontextmanager
    async def work(self) -> AsyncIterator[Work]:
        """The same, with things to do after the commit."""
        async with self.transaction() as connection:
            work = Work(connection)
            yield work
        for act in work.after_commit:
            await act()
