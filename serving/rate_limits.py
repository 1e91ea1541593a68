"""Rate limits: a sliding window on Redis that all workers share.

When Redis is away each worker enforces its share of the limit by itself, so that a dead Redis neither opens
the gate nor closes it. Requests that come at the same moment are counted in one call.
"""

from __future__ import annotations

import math
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from serving.errors import RateLimitExceededError
from serving.grouping import Grouping
from serving.options import ApiOptions
from serving.redis_access import RedisAccess

Bucket = Literal["anonymous", "user", "key", "login", "reset"]
WINDOW_SECONDS: Final = 60
COUNTED_AT_ONCE: Final = 200

# The sliding window counter of the library `limits`, for many at once: KEYS are the counters of the window
# before and of this one, ARGV is each one's limit. The counter of this window lives for two; when its first is
# over it becomes the one before. The answers are packed into one: reading five numbers a request one by one would
# cost more than asking for them.
_COUNT: Final = """
local window = 60000
local answers = {}
for i = 1, #ARGV do
    local before, now, limit = KEYS[2 * i - 1], KEYS[2 * i], tonumber(ARGV[i])
    local now_ttl = redis.call('pttl', now)
    if now_ttl > 0 and now_ttl < window then
        redis.call('rename', now, before)
        now_ttl = now_ttl + window
        redis.call('set', now, 0, 'px', now_ttl)
    end
    local before_count = tonumber(redis.call('get', before)) or 0
    local before_ttl = math.max(redis.call('pttl', before), 0)
    local now_count = tonumber(redis.call('get', now)) or 0
    local weighted = math.floor(before_count * before_ttl / window) + now_count
    local allowed = 0
    if weighted + 1 <= limit then
        allowed = 1
        now_count = now_count + 1
        if now_ttl > 0 then
            redis.call('incr', now)
        else
            now_ttl = 2 * window
            redis.call('set', now, 1, 'px', now_ttl)
        end
    end
    answers[i] = struct.pack('<i8i8i8i8i8', allowed, before_count, before_ttl, now_count, math.max(now_ttl, 0))
end
return table.concat(answers)
"""
_COUNTED: Final = struct.Struct("<5q")


@dataclass(frozen=True)
class Allowance:
    """What one request found in its bucket."""

    bucket: Bucket
    limit: int
    remaining: int
    reset_seconds: int
    is_allowed: bool

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The RateLimit fields of the IETF draft."""
        return [
            (b"ratelimit-policy", f'"{self.bucket}";q={self.limit};w={WINDOW_SECONDS}'.encode()),
            (b"ratelimit", f'"{self.bucket}";r={self.remaining};t={self.reset_seconds}'.encode()),
        ]


class _Asked(NamedTuple):
    """One request: against which bucket, whose, and how large that is."""

    bucket: Bucket
    whom: str
    limit: int


def _allowance(
    asked: _Asked, is_allowed: int, before: int, before_ttl: int, now: int, now_ttl: int
) -> Allowance:
    """Some are free again when the window before has lost one more, or when this one is over."""
    window = WINDOW_SECONDS * 1000
    waits = [before_ttl % (window / before)] if before else []
    waits += [now_ttl % window] if now else []
    reset = max(1, math.ceil(min(waits, default=0) / 1000))
    remaining = max(0, asked.limit - math.floor(before * before_ttl / window + now))
    return Allowance(asked.bucket, asked.limit, remaining, min(reset, WINDOW_SECONDS), bool(is_allowed))


class RateLimiter:
    """Counts requests by bucket and by whom they come from."""

    def __init__(self, redis: RedisAccess, options: ApiOptions, workers: int) -> None:
        self._redis = redis
        self._limits: dict[Bucket, int] = {
            "anonymous": options.anonymous_per_minute,
            "user": options.user_per_minute,
            "key": options.key_per_minute,
            "login": options.login_per_minute,
            "reset": options.reset_per_minute,
        }
        self._workers = workers
        self._count = redis.client.register_script(_COUNT)
        self._together: Grouping[_Asked, Allowance] = Grouping(self._take_together, most=COUNTED_AT_ONCE)
        self._alone = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def take(self, bucket: Bucket, whom: str, *, limit: int | None = None) -> Allowance:
        """Count one request against a bucket, whose limit may be one's own."""
        asked = _Asked(bucket, whom, limit or self._limits[bucket])
        if not self._redis.is_away:
            with suppress(RedisError, OSError, TimeoutError):
                return await self._together.ask(asked)
        return await self._take_alone(bucket, max(1, asked.limit // self._workers), whom)

    async def spend(self, bucket: Bucket, whom: str) -> None:
        """Count one against a bucket; RateLimitExceededError when it is empty."""
        allowance = await self.take(bucket, whom)
        if not allowance.is_allowed:
            raise RateLimitExceededError(allowance.reset_seconds)

    async def _take_together(self, asked: Sequence[_Asked]) -> list[Allowance]:
        if self._redis.is_away:
            raise RedisConnectionError
        keys = [
            f"aurora:limits:{bucket}:{limit}:{whom}:{window}"
            for bucket, whom, limit in asked
            for window in ("before", "now")
        ]
        try:
            counted = await self._count(keys=keys, args=[each.limit for each in asked])
        except (RedisError, OSError, TimeoutError) as error:
            # Here, before the next group is on its way: it shall not wait for the same.
            self._redis.note_failure(error)
            raise
        return [
            _allowance(each, *counts)
            for each, counts in zip(asked, _COUNTED.iter_unpack(counted), strict=True)
        ]

    async def _take_alone(self, bucket: Bucket, limit: int, whom: str) -> Allowance:
        item: RateLimitItem = RateLimitItemPerMinute(limit)
        is_allowed = await self._alone.hit(item, bucket, whom)
        stats = await self._alone.get_window_stats(item, bucket, whom)
        reset = max(1, math.ceil(stats.reset_time - time.time()))
        return Allowance(bucket, limit, stats.remaining, min(reset, WINDOW_SECONDS), is_allowed)
