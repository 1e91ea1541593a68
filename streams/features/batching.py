"""How many messages are taken at once: what has come, and more where it is known that more waits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

import faust
from faust.exceptions import ConsumerNotStarted
from faust.types import TP

MOST_AT_ONCE: Final = 5000
"""About a second of work, during which these people's turns are taken."""
LONGEST_WAIT_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 0.005

Offsets = Mapping[TP, int]
"""The last message of each partition that has come."""


async def batches(stream: Any, is_behind: Callable[[Offsets], bool]) -> AsyncIterator[list[faust.Event]]:
    """Lists of events: one alone when it is quiet, else all that came while the batch before had its effect.

    Where `is_behind` says that more messages wait in the broker, they are fetched first. A batch asks Postgres and
    Redis the same few questions whatever is in it, and once for a person's day however many events it has: a
    worker with much to catch up does it three times as fast by thousands as by hundreds. Nobody waits for a
    clock when there is nothing to fetch, as with Faust's own `take`.
    """
    arrived: list[faust.Event] = []
    offsets: dict[TP, int] = {}
    news, room = asyncio.Event(), asyncio.Event()

    async def read() -> None:
        try:
            async for event in stream.noack().events():
                arrived.append(event)
                offsets[event.message.tp] = event.message.offset
                news.set()
                if len(arrived) >= MOST_AT_ONCE:
                    room.clear()
                    await room.wait()
        finally:
            news.set()

    async def fill_up() -> None:
        while len(arrived) < MOST_AT_ONCE and not reader.done() and is_behind(offsets):  # noqa: ASYNC110  # to be woken by each of thousands costs more
            await asyncio.sleep(LOOK_SECONDS)

    reader = asyncio.create_task(read())
    try:
        while True:
            await news.wait()
            if not arrived:
                break
            # It is cut off in its sleep: what has come by then is the batch.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                    await fill_up()
            batch = arrived.copy()
            arrived.clear()
            room.set()
            if not reader.done():
                news.clear()
            yield batch
        await reader  # which may have something to say about its end
    finally:
        reader.cancel()


def is_behind_broker(app: faust.App) -> Callable[[Offsets], bool]:
    """Whether the broker had more to give after these offsets when it was asked last."""

    def is_behind(offsets: Offsets) -> bool:
        try:
            assigned = app.consumer.assignment()
            return any(
                offset + 1 < (app.consumer.highwater(partition) or 0)
                for partition, offset in offsets.items()
                if partition in assigned
            )
        except (AssertionError, ConsumerNotStarted):
            # It has just gone to another worker: what is here is all that will come.
            return False

    return is_behind
