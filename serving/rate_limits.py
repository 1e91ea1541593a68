"""Rate limits: a sliding window on Redis that all workers share.

When Redis is away each worker enforces its share of the limit by itself, so that a dead Redis neither opens
the gate nor closes it.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Literal

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.storage.redis import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError

from serving.options import ApiOptions
from serving.redis_access import RedisAccess

Bucket = Literal["anonymous", "user", "login"]
WINDOW_SECONDS = 60


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


class RateLimiter:
    """Counts requests by bucket and by whom they come from."""

    def __init__(self, redis: RedisAccess, redis_url: str, options: ApiOptions, workers: int) -> None:
        self._redis = redis
        self._limits: dict[Bucket, int] = {
            "anonymous": options.anonymous_per_minute,
            "user": options.user_per_minute,
            "login": options.login_per_minute,
        }
        self._workers = workers
        # The strategy is part of the key: another strategy would read these counters wrongly.
        shared = RedisStorage(
            f"async+{redis_url}",
            wrap_exceptions=True,
            implementation="redispy",
            key_prefix="aurora:limits:sliding",
            connection_pool=redis.pool,  # pyright: ignore[reportArgumentType]  # the stub knows text and numbers
        )
        self._shared = SlidingWindowCounterRateLimiter(shared)
        self._alone = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def take(self, bucket: Bucket, whom: str) -> Allowance:
        """Count one request against a bucket."""
        limit = self._limits[bucket]
        if not self._redis.is_away:
            try:
                return await self._hit(self._shared, bucket, limit, whom)
            except (StorageError, OSError, TimeoutError) as error:
                self._redis.note_failure(error)
        return await self._hit(self._alone, bucket, max(1, limit // self._workers), whom)

    async def _hit(
        self, limiter: SlidingWindowCounterRateLimiter, bucket: Bucket, limit: int, whom: str
    ) -> Allowance:
        item: RateLimitItem = RateLimitItemPerMinute(limit)
        is_allowed = await limiter.hit(item, bucket, whom)
        stats = await limiter.get_window_stats(item, bucket, whom)
        reset = max(1, math.ceil(stats.reset_time - time.time()))
        return Allowance(bucket, limit, stats.remaining, min(reset, WINDOW_SECONDS), is_allowed)
