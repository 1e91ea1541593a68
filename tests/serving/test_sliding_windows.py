"""Sliding windows of Redis and of one process: both by the same rules, on a clock that the test turns."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Protocol

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from aurora.settings import Settings
from serving.sliding_windows import (
    COUNT_TOGETHER,
    WINDOW_SECONDS,
    Counted,
    LocalWindows,
    read_counted,
)

MILLISECONDS = 1000
TIME = "redis.call('time')[1]"
MIDDLE_OF_A_SECOND = 1_800_000_000_500
GAPS = st.one_of(st.integers(0, 40), st.integers(0, 3_000), st.integers(0, 70_000))
LIMITS = st.integers(1, 6)


class Window(Protocol):
    """The window of somebody new, asked at an instant in milliseconds."""

    def ask(self, now: int, limit: int) -> Counted: ...


class WindowOnRedis:
    def __init__(self, client: redis.Redis) -> None:
        # The clock of Redis, and nothing else, gives way to one that the test says.
        assert COUNT_TOGETHER.count(TIME) == 1
        self._count = client.register_script(COUNT_TOGETHER.replace(TIME, "ARGV[#ARGV]"))
        self._client = client
        self.key = f"aurora:limits:tests:{uuid.uuid4()}"

    def ask(self, now: int, limit: int) -> Counted:
        [counted] = read_counted(self._count(keys=[self.key], args=[limit, now // MILLISECONDS]))
        return counted

    def bytes_kept(self) -> int:
        return self._client.strlen(self.key)


class WindowInMemory:
    def __init__(self) -> None:
        self._now = 0
        self.windows = LocalWindows(lambda: self._now / MILLISECONDS)

    def ask(self, now: int, limit: int) -> Counted:
        self._now = now
        return self.windows.count("somebody", limit)


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(settings.need("redis_url")) as client:
        yield client


@pytest.fixture(scope="module", params=["redis", "memory"])
def place(request: pytest.FixtureRequest) -> str:
    return request.param


def a_window(place: str, client: redis.Redis) -> Window:
    return WindowOnRedis(client) if place == "redis" else WindowInMemory()


def within(passed: list[int], now: int, seconds: int) -> int:
    return sum(now - each < seconds * MILLISECONDS for each in passed)


def test_a_full_window_right_after_the_end_of_another_lets_no_more_than_the_limit_pass(
    place: str, client: redis.Redis
) -> None:
    """One comes first and 99 at 97 % of the window, then as many as may: two counters and a weight let 197 pass."""
    window = a_window(place, client)
    began, length = MIDDLE_OF_A_SECOND, WINDOW_SECONDS * MILLISECONDS
    late = began + length * 97 // 100
    asked = [began, *[late] * 120, *range(late, began + 3 * length, 50)]

    passed = [now for now in asked if window.ask(now, 100).is_allowed]

    assert max(within(passed[: place + 1], now, WINDOW_SECONDS) for place, now in enumerate(passed)) == 100
    assert len(passed) >= 200


@given(limit=LIMITS, gaps=st.lists(GAPS, max_size=60))
def test_no_minute_has_more_than_the_limit_and_who_stays_below_it_is_never_refused(
    place: str, client: redis.Redis, limit: int, gaps: list[int]
) -> None:
    window, now = a_window(place, client), MIDDLE_OF_A_SECOND
    passed: list[int] = []
    for gap in gaps:
        now += gap
        counted = window.ask(now, limit)
        if counted.is_allowed:
            passed.append(now)

            assert within(passed, now, WINDOW_SECONDS) <= limit
        else:
            assert within(passed, now, WINDOW_SECONDS + 1) >= limit
        assert within(passed, now, WINDOW_SECONDS) <= counted.total <= within(passed, now, WINDOW_SECONDS + 1)


@given(steps=st.lists(st.tuples(GAPS, LIMITS), max_size=60))
def test_what_was_counted_stays_when_the_limit_changes(
    place: str, client: redis.Redis, steps: list[tuple[int, int]]
) -> None:
    window, now = a_window(place, client), MIDDLE_OF_A_SECOND
    passed: list[int] = []
    for gap, limit in steps:
        now += gap
        if window.ask(now, limit).is_allowed:
            passed.append(now)

            assert within(passed, now, WINDOW_SECONDS) <= limit
        else:
            assert within(passed, now, WINDOW_SECONDS + 1) >= limit


@given(limit=st.integers(2, 6), smaller=st.integers(1, 6), gaps=st.lists(GAPS, min_size=6, max_size=30))
def test_who_is_refused_is_let_in_after_the_seconds_they_are_told_and_not_before(
    place: str, client: redis.Redis, limit: int, smaller: int, gaps: list[int]
) -> None:
    """Also where the limit has become smaller than what was counted: then one place is not enough."""
    window, now = a_window(place, client), MIDDLE_OF_A_SECOND
    for gap in gaps:
        now += gap
        window.ask(now, limit)
    while (refused := window.ask(now, smaller)).is_allowed:
        pass
    begun = now - now % MILLISECONDS
    told = begun + refused.wait_seconds * MILLISECONDS

    assert 1 <= refused.wait_seconds <= WINDOW_SECONDS + 1
    assert not window.ask(told - 1, smaller).is_allowed
    assert window.ask(told, smaller).is_allowed


@given(limit=LIMITS, gaps=st.lists(GAPS, max_size=20))
def test_who_has_some_left_is_told_when_they_have_one_more(
    place: str, client: redis.Redis, limit: int, gaps: list[int]
) -> None:
    window, now = a_window(place, client), MIDDLE_OF_A_SECOND
    for gap in gaps:
        now += gap
        window.ask(now, limit)
    counted = window.ask(now, limit)
    told = now - now % MILLISECONDS + counted.wait_seconds * MILLISECONDS

    after = window.ask(told, limit)

    assert after.total - after.is_allowed < counted.total


def test_on_redis_a_clock_that_is_set_back_neither_frees_nor_locks_anybody(client: redis.Redis) -> None:
    window, an_hour = WindowOnRedis(client), 3_600_000
    now = MIDDLE_OF_A_SECOND
    full = [window.ask(now + second * MILLISECONDS, 3).is_allowed for second in range(4)]

    back = window.ask(now - an_hour, 3)
    later = window.ask(now - an_hour + (back.wait_seconds + 1) * MILLISECONDS, 3)

    assert full == [True, True, True, False]
    assert not back.is_allowed
    assert later.is_allowed


def test_a_window_on_redis_stays_small_and_goes_when_it_is_over(client: redis.Redis) -> None:
    window = WindowOnRedis(client)
    window.ask(MIDDLE_OF_A_SECOND, 1_000)
    once = window.bytes_kept()
    for tenth in range(3 * WINDOW_SECONDS * 10):
        window.ask(MIDDLE_OF_A_SECOND + tenth * 100, 1_000)

    assert once == 12
    assert window.bytes_kept() <= 4 + 8 * (WINDOW_SECONDS + 1)
    assert WINDOW_SECONDS <= client.ttl(window.key) <= WINDOW_SECONDS + 1


def test_a_process_forgets_who_has_not_come_for_a_minute() -> None:
    now = 0.0
    windows = LocalWindows(lambda: now)
    for number in range(1_000):
        windows.count(f"visitor {number}", 5)
    now = WINDOW_SECONDS + 1.0
    windows.count("somebody", 5)

    assert len(windows._windows) == 1
