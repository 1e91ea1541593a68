"""Tasks that run for as long as a worker does."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

_PAUSE_SECONDS = 0.5


async def end_tasks(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and again until each has ended.

    Once is not enough: in Python 3.11 `asyncio.wait_for` loses it when what it waits for comes at that moment, and the
    task then goes on for ever.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_PAUSE_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)
