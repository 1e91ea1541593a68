"""Rate limits that many requests ask at once: counted in one call, and counted exactly."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter

import redis as blocking_redis

from aurora.settings import Settings
from serving.rate_limits import RateLimiter
from serving.redis_access import RedisAccess
from tests.serving.conftest import quick


def a_limiter(settings: Settings, **options: int) -> RateLimiter:
    return RateLimiter(RedisAccess(settings.redis_url, 5), quick(**options), workers=2)


async def test_of_many_requests_to_several_workers_at_once_exactly_the_limit_passes(
    settings: Settings,
) -> None:
    whom = str(uuid.uuid4())
    workers = [a_limiter(settings, user_per_minute=50) for _ in range(3)]

    taken = await asyncio.gather(*(worker.take("user", whom) for worker in workers for _ in range(60)))

    assert Counter(allowance.is_allowed for allowance in taken) == {True: 50, False: 130}
    assert {allowance.remaining for allowance in taken if not allowance.is_allowed} == {0}


async def test_people_who_ask_at_once_are_counted_apart(settings: Settings) -> None:
    people = [str(uuid.uuid4()) for _ in range(30)]
    limiter = a_limiter(settings, user_per_minute=5)

    taken = await asyncio.gather(*(limiter.take("user", whom) for whom in people * 2))

    assert all(allowance.is_allowed for allowance in taken)
    assert [allowance.remaining for allowance in taken] == [4] * 30 + [3] * 30


async def test_the_window_before_counts_for_the_part_of_it_that_is_still_inside(settings: Settings) -> None:
    whom = str(uuid.uuid4())
    limiter = a_limiter(settings, user_per_minute=10)
    with blocking_redis.Redis.from_url(settings.redis_url) as client:
        # Ten requests in the window before, of which a half still lies within the last minute.
        client.set(f"aurora:limits:user:10:{whom}:before", 10, px=30_000)

        taken = [await limiter.take("user", whom) for _ in range(7)]

    assert [allowance.is_allowed for allowance in taken][:5] == [True] * 5
    assert not taken[-1].is_allowed
    assert 1 <= taken[-1].reset_seconds <= 60


async def test_a_window_that_is_over_becomes_the_one_before(settings: Settings) -> None:
    whom = str(uuid.uuid4())
    limiter = a_limiter(settings, user_per_minute=10)
    with blocking_redis.Redis.from_url(settings.redis_url) as client:
        client.set(f"aurora:limits:user:10:{whom}:now", 10, px=59_000)

        # Ten of 59 seconds ago weigh a little less than ten: there is room for one, and no more.
        taken = [await limiter.take("user", whom) for _ in range(2)]

        assert [allowance.is_allowed for allowance in taken] == [True, False]
        assert client.get(f"aurora:limits:user:10:{whom}:before") == b"10"
        assert client.get(f"aurora:limits:user:10:{whom}:now") == b"1"
