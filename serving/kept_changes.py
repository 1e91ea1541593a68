"""What changes in Postgres by other hands than the API's: builds and searches tell, and what was kept is void.

Each worker hears of it, and each says so to Redis: twice is once too often and does no harm. What is told while no
worker listens is heard by none, so each begins by making everything void that it could have missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import psycopg

from aurora.database.listening import keep_listening
from aurora.kept_answers import CHANNEL, PATTERNS, SCORES
from aurora.tasks import end
from serving.kept_answers import KeptAnswers

_TOLD_OF: Final = (SCORES, PATTERNS)


class KeptChanges:
    """One worker's ear for changes of the warehouse."""

    def __init__(self, postgres_url: str, kept: KeptAnswers, *, replica_lag: float | None) -> None:
        """Answers read from a replica that is up to `replica_lag` seconds behind may be old ones; None without one."""
        self._postgres_url = postgres_url
        self._kept = kept
        self._replica_lag = replica_lag
        self._later: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        """Hear what changes, for ever."""
        try:
            await keep_listening(self._postgres_url, CHANNEL, self._hear)
        finally:
            await end(self._later)

    async def _hear(self, connection: psycopg.AsyncConnection[Any]) -> None:
        await self._make_void(_TOLD_OF)
        async for notification in connection.notifies():
            await self._make_void([notification.payload])

    async def _make_void(self, tags: Sequence[str]) -> None:
        await self._kept.make_void(tags)
        if self._replica_lag is not None:
            # What is read and kept until the replica has caught up can be what was there before.
            task = asyncio.create_task(self._make_void_later(tags, self._replica_lag))
            self._later.add(task)
            task.add_done_callback(self._later.discard)

    async def _make_void_later(self, tags: Sequence[str], seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._kept.make_void(tags)
