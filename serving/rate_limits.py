"""Rate limits: a sliding window on Redis that all workers share.

When Redis is away each worker enforces its share of the limit by itself, so that a dead Redis neither opens
the gate nor closes it. Requests that come at the same moment are counted in one call.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from serving.errors import RateLimitExceededError
from serving.grouping import Grouping
from serving.options import ApiOptions
from serving.redis_access import RedisAccess
from serving.sliding_windows import COUNT_TOGETHER, WINDOW_SECONDS, Counted, LocalWindows, read_counted

Bucket = Literal["anonymous", "user", "key", "login", "reset", "ai"]
COUNTED_AT_ONCE: Final = 200


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

    @property
    def key(self) -> str:
        return f"aurora:limits:seconds:{self.bucket}:{self.whom}"

    def allowance(self, counted: Counted) -> Allowance:
        return Allowance(
            self.bucket,
            self.limit,
            max(0, self.limit - counted.total),
            counted.wait_seconds,
            counted.is_allowed,
        )


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
            "ai": options.ai_per_minute,
        }
        self._workers = workers
        self._count = redis.client.register_script(COUNT_TOGETHER)
        self._together: Grouping[_Asked, Allowance] = Grouping(self._take_together, most=COUNTED_AT_ONCE)
        self._alone = LocalWindows()

    async def take(self, bucket: Bucket, whom: str, *, limit: int | None = None) -> Allowance:
        """Count one request against a bucket, whose limit may be one's own."""
        asked = _Asked(bucket, whom, limit or self._limits[bucket])
        if not self._redis.is_away:
            with suppress(RedisError, OSError, TimeoutError):
                return await self._together.ask(asked)
        share = asked._replace(limit=max(1, asked.limit // self._workers))
        return share.allowance(self._alone.count(share.key, share.limit))

    async def spend(self, bucket: Bucket, whom: str, *, limit: int | None = None) -> None:
        """Count one against a bucket; RateLimitExceededError when it is empty."""
        allowance = await self.take(bucket, whom, limit=limit)
        if not allowance.is_allowed:
            raise RateLimitExceededError(allowance.reset_seconds)

    async def _take_together(self, asked: Sequence[_Asked]) -> list[Allowance]:
        if self._redis.is_away:
            raise RedisConnectionError
        try:
            counted = await self._count(
                keys=[each.key for each in asked], args=[each.limit for each in asked]
            )
        except (RedisError, OSError, TimeoutError) as error:
            # Here, before the next group is on its way: it shall not wait for the same.
            self._redis.note_failure(error)
            raise
        return [each.allowance(found) for each, found in zip(asked, read_counted(counted), strict=True)]
