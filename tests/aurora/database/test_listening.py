"""Whatever ends one connection, the next one listens."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest

from aurora.database import listening
from aurora.database.listening import keep_listening
from aurora.tasks import end


class Hearer:
    """Notes what it hears, and ends the first connections in the ways that it is given."""

    def __init__(self, *ends: Exception | None) -> None:
        self._ends = list(ends)
        self.heard: asyncio.Queue[str] = asyncio.Queue()
        self.is_listening = asyncio.Event()

    async def hear(self, connection: psycopg.AsyncConnection[Any]) -> None:
        if self._ends:
            if (end := self._ends.pop(0)) is not None:
                raise end
            return
        self.is_listening.set()
        async for notification in connection.notifies():
            self.heard.put_nowait(notification.payload)


@pytest.mark.parametrize(
    "ends",
    [(), (None,), (psycopg.OperationalError("cut"), None), (ValueError("nobody thought of this"),)],
    ids=["nothing", "it returned", "cut, and it returned", "unexpected"],
)
async def test_what_ends_a_connection_does_not_end_the_listening(
    ends: tuple[Exception | None, ...], committed_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "FIRST_PAUSE_SECONDS", 0.01)
    hearer = Hearer(*ends)
    task = asyncio.create_task(keep_listening(committed_database, "aurora_test", hearer.hear))
    try:
        async with asyncio.timeout(10):
            await hearer.is_listening.wait()
            with psycopg.connect(committed_database, autocommit=True) as connection:
                connection.execute("notify aurora_test, 'told'")
            assert await hearer.heard.get() == "told"
    finally:
        await end([task])
