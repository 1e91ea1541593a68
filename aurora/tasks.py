"""Ending tasks of asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

CANCEL_AGAIN_SECONDS: Final = 1.0


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel these tasks until they are over.

    Once is not enough: in Python 3.11 `asyncio.wait_for`, by which psycopg and others wait, loses a cancellation that
    comes together with a result (cpython #86296), and a client that is just losing its connection may take it for that.
    """
    ending = list(tasks)
    pending = {task for task in ending if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)
    # Nobody asks any more what they may have failed of.
    await asyncio.gather(*ending, return_exceptions=True)
