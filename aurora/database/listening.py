"""Hearing what Postgres tells by NOTIFY, for as long as a process lives."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, LiteralString

import psycopg
import structlog

from aurora.database.connections import connect_at_length

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 15.0

log = structlog.get_logger(__name__)


async def keep_listening(
    url: str,
    channel: LiteralString,
    hear: Callable[[psycopg.AsyncConnection[Any]], Awaitable[None]],
) -> None:
    """Have `hear` use a connection that listens to `channel`, and another one whenever it returns or raises.

    What is told between two connections is heard by nobody: `hear` begins by looking at how things are.
    """
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            async with await connect_at_length(url) as connection:
                await connection.execute(f"listen {channel}")
                pause = FIRST_PAUSE_SECONDS
                await hear(connection)
                problem = "ended"
        except Exception as error:  # noqa: BLE001  # whatever it was: nobody would see that this task has ended
            problem = type(error).__name__
        log.warning("listener_away", channel=channel, problem=problem, next_try_seconds=pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
