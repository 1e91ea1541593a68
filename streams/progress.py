"""Progress of the consumer, and the watchdog over it: a consumer that went mute ends the process.

After a broker was lost a consumer can fall silent for ever without an error. The supervisor starts the
process anew, and the new relay sends again whatever had no effect.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

import psycopg
import structlog
from psycopg_pool import AsyncConnectionPool

from aurora.errors import AuroraError
from streams.events.outbox import read_backlog

log = structlog.get_logger(__name__)


class ConsumerMuteError(AuroraError):
    def __init__(self, messages: int, seconds: float) -> None:
        super().__init__(
            f"the consumer is mute: {messages} messages lie in the broker, the oldest for {seconds:.0f} s"
        )


class Progress:
    """When the consumer last did anything, waiting for Postgres or Redis included."""

    def __init__(self) -> None:
        self._noted_at = time.monotonic()

    def note(self) -> None:
        self._noted_at = time.monotonic()

    @property
    def idle_seconds(self) -> float:
        return time.monotonic() - self._noted_at


async def watch(
    pool: AsyncConnectionPool[psycopg.AsyncConnection[Any]],
    progress: Progress,
    *,
    patience: timedelta,
    every_seconds: float = 5.0,
) -> None:
    """Watch for ever; raise ConsumerMuteError when messages wait and nobody takes them."""
    while True:
        await asyncio.sleep(every_seconds)
        if progress.idle_seconds < patience.total_seconds():
            continue
        try:
            async with pool.connection() as connection:
                backlog = await read_backlog(connection)
        except psycopg.OperationalError as error:
            log.warning("watchdog_blind", problem=type(error).__name__)
            continue
        if backlog.oldest_in_flight_seconds > patience.total_seconds():
            raise ConsumerMuteError(backlog.in_flight, backlog.oldest_in_flight_seconds)
