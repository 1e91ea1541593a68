"""How many messages are taken at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any, NamedTuple, cast

import faust
import pytest
from faust.exceptions import ConsumerNotStarted
from faust.types import TP

from aurora.settings import load_settings
from streams.app import create_app
from streams.features import batching
from streams.features.batching import Offsets, batches, is_behind_broker

ONE, OTHER = TP("events", 0), TP("events", 1)


class Message(NamedTuple):
    tp: TP
    offset: int


class Event(NamedTuple):
    message: Message


class Stream:
    """Gives what is put into it, and breaks after that where it is told to."""

    def __init__(self, count: int = 0, *, breaks: bool = False) -> None:
        self.coming: asyncio.Queue[Event] = asyncio.Queue()
        self.count = 0
        self._breaks = breaks
        self.put(count)

    def put(self, count: int) -> None:
        for _ in range(count):
            self.coming.put_nowait(Event(Message(ONE, self.count)))
            self.count += 1

    def noack(self) -> Stream:
        return self

    async def events(self) -> AsyncIterator[Event]:
        while not (self._breaks and self.coming.empty()):
            yield await self.coming.get()
        raise ConnectionResetError


def sizes(found: Iterable[list[Any]]) -> list[int]:
    return [len(batch) for batch in found]


async def test_stream_that_breaks_is_not_waited_for() -> None:
    found = batches(Stream(1, breaks=True), lambda _: True)

    assert len(await anext(found)) == 1
    with pytest.raises(ConnectionResetError):
        await anext(found)


async def test_nothing_is_waited_for_when_the_broker_has_no_more() -> None:
    stream = Stream(1)
    found = batches(stream, lambda _: False)

    first = await anext(found)
    stream.put(3)
    await asyncio.sleep(0)
    second = await anext(found)

    assert sizes([first, second]) == [1, 3]


async def test_more_is_fetched_first_when_the_broker_has_more() -> None:
    stream = Stream(1)

    def is_behind(offsets: Offsets) -> bool:
        if stream.count < 5:
            stream.put(1)
        return offsets[ONE] < 4

    assert len(await anext(batches(stream, is_behind))) == 5


async def test_batch_has_an_end_in_number_and_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "MOST_AT_ONCE", 10)
    monkeypatch.setattr(batching, "LONGEST_WAIT_SECONDS", 0.05)
    stream = Stream(12)
    found = batches(stream, lambda _: True)

    assert sizes([await anext(found), await anext(found)]) == [10, 2]


class Consumer:
    def __init__(self, highwater: dict[TP, int | None], error: Exception | None = None) -> None:
        self._highwater = highwater
        self._error = error

    def assignment(self) -> set[TP]:
        if self._error:
            raise self._error
        return set(self._highwater)

    def highwater(self, partition: TP) -> int | None:
        return self._highwater[partition]


@pytest.mark.parametrize(
    ("consumer", "expected"),
    [
        pytest.param(Consumer({ONE: 8, OTHER: 3}), False, id="all was read"),
        pytest.param(Consumer({ONE: 8, OTHER: 4}), True, id="one partition has more"),
        pytest.param(Consumer({ONE: 8}), False, id="the other partition is another worker's"),
        pytest.param(Consumer({ONE: None, OTHER: None}), False, id="the broker said nothing yet"),
        pytest.param(Consumer({}, AssertionError()), False, id="it goes to another worker right now"),
        pytest.param(Consumer({}, ConsumerNotStarted()), False, id="it has not begun"),
    ],
)
def test_broker_is_ahead_by_what_its_last_answer_said(consumer: Consumer, expected: bool) -> None:
    app = create_app(load_settings(kafka_bootstrap="nowhere:9092"))
    app.consumer = cast("Any", consumer)

    assert is_behind_broker(cast("faust.App", app))({ONE: 7, OTHER: 2}) is expected
