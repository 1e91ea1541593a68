"""Sliding windows: how often somebody came within a minute, in Redis for all workers and in one process without it.

A window is a queue of seconds and how many were let in during each. A second counts until it has left the last minute
entirely, so no minute whatsoever has more than the limit, and who was refused waits up to a second longer than a
log of each single request would make them. Who comes rarely costs a few bytes, who comes every second half a
kilobyte. The limit is not part of what is kept: when it changes, what was counted stays.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from itertools import accumulate
from typing import Final, NamedTuple

WINDOW_SECONDS: Final = 60

COUNT_TOGETHER: Final = """
local window = 60
local now = tonumber(redis.call('time')[1])
local answers = {}
for i = 1, #KEYS do
    local limit = tonumber(ARGV[i])
    local log, total, first = redis.call('get', KEYS[i]) or '', 0, 5
    if log ~= '' then
        total = struct.unpack('<I4', log)
        if struct.unpack('<I4', log, #log - 7) > now then
            -- The clock was set back: all of it counts as of now, which is too much for a minute, and never too little.
            log = struct.pack('<I4I4I4', total, now, total)
            redis.call('set', KEYS[i], log, 'ex', window + 1)
        end
        while first < #log do
            local second, count = struct.unpack('<I4I4', log, first)
            if now - second <= window then break end
            total, first = total - count, first + 8
        end
    end
    local allowed = 0
    if total < limit then
        local kept, count = string.sub(log, first), 0
        if kept ~= '' then
            local newest, so_far = struct.unpack('<I4I4', kept, #kept - 7)
            if newest == now then kept, count = string.sub(kept, 1, -9), so_far end
        end
        allowed, total, first = 1, total + 1, 5
        log = struct.pack('<I4', total) .. kept .. struct.pack('<I4I4', now, count + 1)
        redis.call('set', KEYS[i], log, 'ex', window + 1)
    end
    -- A limit may have become smaller than what was counted: then more than the oldest have to leave.
    local leaving, second, count = math.max(total - limit + 1, 1), 0, 0
    repeat
        second, count = struct.unpack('<I4I4', log, first)
        leaving, first = leaving - count, first + 8
    until leaving <= 0
    answers[i] = struct.pack('<i4i4i4', allowed, total, second + window + 1 - now)
end
return table.concat(answers)
"""
"""KEYS are windows, ARGV is each one's limit. A value is the total, then (second, count), the oldest first.

The answers are packed into one: reading numbers one by one would cost more than asking for them.
"""

_COUNTED: Final = struct.Struct("<3i")


class Counted(NamedTuple):
    """What one request found."""

    is_allowed: bool
    total: int
    """Of the last minute, this one included when it is allowed."""
    wait_seconds: int
    """Until one place more is free."""


def read_counted(answers: bytes) -> list[Counted]:
    """What COUNT_TOGETHER answered."""
    return [Counted(bool(allowed), total, wait) for allowed, total, wait in _COUNTED.iter_unpack(answers)]


class LocalWindows:
    """The same in the memory of one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # Who came last stands last.
        self._windows: dict[str, dict[int, int]] = {}

    def count(self, key: str, limit: int) -> Counted:
        now = int(self._clock())
        self._drop_those_that_are_over(now)
        counts = {
            second: count
            for second, count in self._windows.pop(key, {}).items()
            if now - second <= WINDOW_SECONDS
        }
        total = sum(counts.values())
        is_allowed = total < limit
        if is_allowed:
            counts[now] = counts.get(now, 0) + 1
            total += 1
        self._windows[key] = counts
        last_to_leave = _nth(counts, max(total - limit + 1, 1))
        return Counted(is_allowed, total, last_to_leave + WINDOW_SECONDS + 1 - now)

    def _drop_those_that_are_over(self, now: int) -> None:
        while self._windows:
            key = next(iter(self._windows))
            if now - max(self._windows[key]) <= WINDOW_SECONDS:
                return
            del self._windows[key]


def _nth(counts: dict[int, int], number: int) -> int:
    """The second of the n-th request, from the oldest on."""
    up_to = zip(counts, accumulate(counts.values()), strict=True)
    return next(second for second, so_far in up_to if so_far >= number)
