"""Grouping: many callers, one way out. While one group is on its way, the next one gathers.

Nobody waits for a clock: with one caller a group is that caller; under load it is whoever came while the groups
before were being served. What a transaction or a round trip costs is then paid once for all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Question = TypeVar("Question")
Reply = TypeVar("Reply")


class Grouping(Generic[Question, Reply]):
    """Serves questions in groups of up to `most`, up to `at_once` groups at the same time.

    `serve` replies to each question in order; a reply that is an exception is raised for that caller alone. What
    `serve` itself raises is raised for all of the group. A caller that is cancelled harms nobody: its question is
    dropped if it is not on its way yet, and served to its end if it is.
    """

    def __init__(
        self,
        serve: Callable[[Sequence[Question]], Awaitable[Sequence[Reply | Exception]]],
        *,
        most: int,
        at_once: int = 1,
    ) -> None:
        self._serve = serve
        self._most = most
        self._waiting: list[tuple[Question, asyncio.Future[Reply]]] = []
        self._free = at_once
        self._working: set[asyncio.Task[None]] = set()

    async def ask(self, question: Question) -> Reply:
        """The reply to one question."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if self._free:
            self._free -= 1
            task = asyncio.create_task(self._work())
            self._working.add(task)
            task.add_done_callback(self._working.discard)
        return await future

    async def _work(self) -> None:
        """Serve group after group until nobody waits. Its first step comes after everybody who came just now."""
        try:
            while group := self._next_group():
                await self._serve_group(group)
        finally:
            # In the same step in which nobody waited any more: whoever comes next starts anew.
            self._free += 1

    def _next_group(self) -> list[tuple[Question, asyncio.Future[Reply]]]:
        waiting = [(question, future) for question, future in self._waiting if not future.done()]
        self._waiting = waiting[self._most :]
        return waiting[: self._most]

    async def _serve_group(self, group: Sequence[tuple[Question, asyncio.Future[Reply]]]) -> None:
        replies: Sequence[Reply | Exception]
        try:
            replies = await self._serve([question for question, _ in group])
        except asyncio.CancelledError:
            for _, future in group:
                future.cancel()
            raise
        except Exception as error:  # noqa: BLE001  # it is each caller's to handle
            replies = [error] * len(group)
        for (_, future), reply in zip(group, replies, strict=True):
            if future.done():
                continue
            if isinstance(reply, Exception):
                future.set_exception(reply)
            else:
                future.set_result(reply)

    async def finish(self) -> None:
        """Wait until everything that was asked is answered."""
        while self._working:
            await asyncio.wait(self._working)
