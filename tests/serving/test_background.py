"""Tasks that run for as long as a worker does."""

from __future__ import annotations

import asyncio

from serving.background import end_tasks


async def test_a_task_that_does_not_hear_that_it_is_cancelled_is_told_again() -> None:
    has_begun = asyncio.Event()

    async def loses_it_once() -> None:
        has_begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.Event().wait()

    async def fails() -> None:
        raise ValueError

    tasks = [asyncio.create_task(loses_it_once()), asyncio.create_task(fails())]
    await has_begun.wait()

    async with asyncio.timeout(10):
        await end_tasks(tasks)

    assert [task.done() for task in tasks] == [True, True]
