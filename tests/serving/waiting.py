"""To hold something back in the middle, and to see that others wait for it: for tests of what happens at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg

from tests.serving.live_server import until


class HeldBack:
    """A function that does its work once, and gives it back no sooner than it is let go of; later calls pass."""

    def __init__(self, function: Callable[..., Awaitable[Any]]) -> None:
        self._function = function
        self._let_go = asyncio.Event()
        self.has_done = asyncio.Event()

    async def __call__(self, *arguments: Any, **named: Any) -> Any:
        result = await self._function(*arguments, **named)
        if not self.has_done.is_set():
            self.has_done.set()
            await self._let_go.wait()
        return result

    def let_go(self) -> None:
        self._let_go.set()


async def until_waiting(url: str, *, sessions: int = 1) -> None:
    """Until so many sessions of this database wait for a lock."""
    with psycopg.connect(url, autocommit=True) as connection:

        def are_waiting() -> bool:
            [(count,)] = connection.execute(
                "select count(*) from pg_stat_activity"
                " where datname = current_database() and wait_event_type = 'Lock'"
            ).fetchall()
            return count >= sessions

        await until(are_waiting)
