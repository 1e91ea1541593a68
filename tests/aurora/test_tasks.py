"""Tasks end, also those that lose a cancellation."""

from __future__ import annotations

import asyncio

import pytest

from aurora import tasks


async def test_a_task_that_loses_a_cancellation_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "CANCEL_AGAIN_SECONDS", 0.01)
    lost = 0

    async def listen() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                lost += 1
                if lost == 3:
                    raise

    async def give_up() -> None:
        raise ValueError

    listening = asyncio.create_task(listen())
    failed = asyncio.create_task(give_up())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await tasks.end([listening, failed])

    assert (lost, listening.cancelled(), failed.done()) == (3, True, True)
    assert isinstance(failed.exception(), ValueError)
