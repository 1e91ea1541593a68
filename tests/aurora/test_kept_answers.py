"""An answer is kept until one of the things it was made from changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from aurora.kept_answers import Place, keep, look_up, place_of, renew, tag_of
from tests.fixtures.kept import put


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def place() -> Place:
    ada = uuid4()
    return place_of(f"scores:{ada}", "scores", tag_of("profile", ada))


async def change(redis: Redis, tag: str) -> bytes:
    async with redis.pipeline(transaction=False) as pipe:
        token = renew(pipe, tag)
        await pipe.execute()
    return token


async def test_what_was_kept_is_found(redis: Redis, place: Place) -> None:
    assert (await look_up(redis, place)).body is None
    await put(redis, place, b"[1]")

    assert (await look_up(redis, place)).body == b"[1]"
    assert 0 < await redis.ttl(place.key) <= 60


@pytest.mark.parametrize("changed", [0, 1])
async def test_a_change_of_any_tag_makes_it_void(redis: Redis, place: Place, changed: int) -> None:
    await put(redis, place, b"[1]")
    await change(redis, place.tags[changed])

    assert (await look_up(redis, place)).body is None


async def test_what_was_being_made_during_a_change_is_never_read(redis: Redis, place: Place) -> None:
    tokens = (await look_up(redis, place)).tokens
    await change(redis, place.tags[1])
    async with redis.pipeline(transaction=False) as pipe:
        keep(pipe, place, tokens, b"made from what was there before", seconds=60)
        await pipe.execute()

    assert (await look_up(redis, place)).body is None


async def test_the_tokens_of_a_change_are_those_to_keep_the_next_answer_under(redis: Redis) -> None:
    place = place_of(f"predictions:{uuid4()}", f"predictions:{uuid4()}")
    token = await change(redis, place.tags[0])
    async with redis.pipeline(transaction=False) as pipe:
        keep(pipe, place, token, b"{}", seconds=60)
        await pipe.execute()

    assert (await look_up(redis, place)).body == b"{}"


async def test_an_answer_of_another_stamp_does_not_hold(redis: Redis, place: Place) -> None:
    await put(redis, place, b"[1]", stamp=b"7")

    assert (await look_up(redis, place, b"8")).body is None
    assert (await look_up(redis, place, b"")).body is None
    assert (await look_up(redis, place, b"7")).body == b"[1]"


@pytest.mark.parametrize("lost", ["tag", "answer", "all"])
async def test_what_redis_loses_is_not_believed(redis: Redis, place: Place, lost: str) -> None:
    await put(redis, place, b"[1]")
    names = {"tag": [f"aurora:tag:{place.tags[1]}"], "answer": [place.key]}
    await redis.delete(*names.get(lost, [place.key, *(f"aurora:tag:{tag}" for tag in place.tags)]))

    assert (await look_up(redis, place)).body is None


@pytest.mark.parametrize("stored", [b"", b"\xff", b"{}", b"[1]\n", b"x" * 40])
async def test_something_else_in_its_place_is_not_read(redis: Redis, place: Place, stored: bytes) -> None:
    await look_up(redis, place)
    await redis.set(place.key, stored)

    assert (await look_up(redis, place)).body is None
