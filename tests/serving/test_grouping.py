"""Grouping: many callers, one way out, and nobody pays for another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from serving.grouping import Grouping


class Doubling:
    """Serves numbers, doubled, when it is let; remembers the groups."""

    def __init__(self, *, most: int = 10, at_once: int = 1) -> None:
        self.groups: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.grouping: Grouping[int, int] = Grouping(self._serve, most=most, at_once=at_once)

    async def _serve(self, numbers: Sequence[int]) -> list[int | Exception]:
        self.groups.append(list(numbers))
        await self.open.wait()
        if 99 in numbers:
            raise LookupError("the way out is closed")
        return [ValueError(f"{number} is odd") if number % 2 else 2 * number for number in numbers]

    def ask(self, number: int) -> asyncio.Task[int]:
        return asyncio.create_task(self.grouping.ask(number))


async def test_whoever_comes_while_a_group_is_on_its_way_makes_up_the_next_one() -> None:
    doubling = Doubling()
    doubling.open.clear()
    first = doubling.ask(2)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [doubling.ask(number) for number in (4, 6, 8)]
    await asyncio.sleep(0)
    doubling.open.set()

    assert await asyncio.gather(first, *others) == [4, 8, 12, 16]
    assert doubling.groups == [[2], [4, 6, 8]]


async def test_a_group_holds_no_more_than_it_may() -> None:
    doubling = Doubling(most=3)

    await asyncio.gather(*(doubling.ask(2 * number) for number in range(7)))

    assert [len(group) for group in doubling.groups] == [3, 3, 1]


async def test_a_reply_that_is_an_exception_is_raised_for_its_caller_alone() -> None:
    doubling = Doubling()

    replies = await asyncio.gather(doubling.ask(2), doubling.ask(3), doubling.ask(4), return_exceptions=True)

    assert [replies[0], replies[2]] == [4, 8]
    assert isinstance(replies[1], ValueError)


async def test_what_the_way_out_raises_is_raised_for_all_of_the_group_and_not_for_the_next() -> None:
    doubling = Doubling()

    replies = await asyncio.gather(doubling.ask(2), doubling.ask(99), return_exceptions=True)

    assert all(isinstance(reply, LookupError) for reply in replies)
    assert await doubling.grouping.ask(2) == 4


async def test_a_caller_that_is_cancelled_harms_nobody() -> None:
    doubling = Doubling()
    doubling.open.clear()
    on_its_way, beside_it = doubling.ask(2), doubling.ask(4)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting = doubling.ask(6)
    await asyncio.sleep(0)
    on_its_way.cancel()
    waiting.cancel()
    doubling.open.set()

    assert await beside_it == 8
    assert await doubling.grouping.ask(8) == 16
    assert doubling.groups == [[2, 4], [8]]


async def test_callers_that_come_one_after_the_other_are_never_left_waiting() -> None:
    doubling = Doubling(at_once=2)

    async with asyncio.timeout(5):
        for number in range(0, 400, 2):
            assert await doubling.grouping.ask(number) == 2 * number
            if number % 3 == 0:
                await asyncio.sleep(0)


async def test_several_groups_may_be_on_their_way_at_the_same_time() -> None:
    doubling = Doubling(most=1, at_once=2)
    doubling.open.clear()
    asked = [doubling.ask(number) for number in (2, 4, 6)]
    for _ in range(4):
        await asyncio.sleep(0)

    assert doubling.groups == [[2], [4]]
    doubling.open.set()
    assert await asyncio.gather(*asked) == [4, 8, 12]


@pytest.mark.parametrize("many", [0, 5])
async def test_finishing_waits_for_what_was_asked(many: int) -> None:
    doubling = Doubling()
    asked = [doubling.ask(2 * number) for number in range(many)]
    await asyncio.sleep(0)

    await doubling.grouping.finish()
    await asyncio.sleep(0)

    assert all(task.done() for task in asked)
