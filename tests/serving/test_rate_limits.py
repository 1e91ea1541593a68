"""Rate limits that many requests ask at once: counted in one call, and counted exactly."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter

import pytest

from aurora.settings import Settings
from serving.errors import RateLimitExceededError
from serving.rate_limits import RateLimiter
from serving.redis_access import RedisAccess
from tests.serving.conftest import NOWHERE, quick


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


async def test_a_limit_that_changes_forgets_nothing(settings: Settings) -> None:
    whom, limiter = str(uuid.uuid4()), a_limiter(settings, user_per_minute=5)
    for _ in range(4):
        await limiter.take("user", whom)

    smaller, larger = await limiter.take("user", whom, limit=3), await limiter.take("user", whom, limit=6)

    assert (smaller.is_allowed, smaller.remaining) == (False, 0)
    assert (larger.is_allowed, larger.remaining) == (True, 1)
    assert dict(larger.headers())[b"ratelimit-policy"] == b'"user";q=6;w=60'


async def test_without_redis_a_worker_lets_pass_its_share_and_forgets_nothing_either(
    settings: Settings,
) -> None:
    whom = str(uuid.uuid4())
    limiter = a_limiter(settings.model_copy(update={"redis_url": NOWHERE}), user_per_minute=10)

    taken = [await limiter.take("user", whom) for _ in range(7)]
    more = await limiter.take("user", whom, limit=12)

    assert [allowance.is_allowed for allowance in taken] == [True] * 5 + [False] * 2
    assert [allowance.remaining for allowance in taken] == [4, 3, 2, 1, 0, 0, 0]
    assert (more.is_allowed, more.remaining, more.limit) == (True, 0, 6)
    assert all(1 <= allowance.reset_seconds <= 61 for allowance in taken)


async def test_who_is_refused_is_told_how_long_to_wait(settings: Settings) -> None:
    whom, limiter = str(uuid.uuid4()), a_limiter(settings, login_per_minute=2)
    await limiter.spend("login", whom)
    await limiter.spend("login", whom)

    with pytest.raises(RateLimitExceededError) as refused:
        await limiter.spend("login", whom)

    # The first of them was counted just now.
    assert 55 <= refused.value.retry_after <= 61
