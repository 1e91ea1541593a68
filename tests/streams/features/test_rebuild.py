from __future__ import annotations

import psycopg
from redis.asyncio import Redis

from aurora.features.live import read_tiles
from aurora.kept_answers import look_up
from aurora.predictions.kept import prediction_place
from streams.features.people import read_everybody
from streams.features.rebuild import rebuild
from tests.fixtures.kept import put
from tests.streams.conftest import Life


async def test_everybody_is_rebuilt_from_the_log(life: Life, redis: Redis) -> None:
    people = [await life.somebody() for _ in range(5)]
    for number, user_id in enumerate(people):
        for days_ago in range(number):
            await life.happens(user_id, days_ago=days_ago * 9)
    told: list[int] = []
    async with await psycopg.AsyncConnection.connect(life.owner_url) as connection:
        rebuilt = await rebuild(connection, redis, await read_everybody(connection), told=told.append)

    assert (rebuilt.people, rebuilt.source) == (5, "log")
    assert told == [5]
    for user_id in people:
        assert await read_tiles(redis, user_id) == await life.tiles_of_log(user_id)


async def test_predictions_from_the_tiles_before_are_dropped(life: Life, redis: Redis) -> None:
    ada = await life.somebody()
    place = prediction_place(ada, "energy")
    await put(redis, place, b"{}")
    async with await psycopg.AsyncConnection.connect(life.owner_url) as connection:
        await rebuild(connection, redis, await read_everybody(connection))

    assert (await look_up(redis, place)).body is None
