"""After the night: whoever looked a moment ago finds an answer of the model that has moved in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from redis.asyncio import Redis

from aurora import clock
from aurora.features.live import fill
from aurora.features.tiles import Tile
from aurora.kept_answers import look_up
from aurora.predictions.artifact import digest
from aurora.predictions.kept import kept_for, prediction_place
from pipelines.prediction.warming import warm_predictions
from tests.aurora.models.people import an_energy_artifact
from tests.fixtures.kept import put
from tests.pipelines.training.warehouse import add_people, build_tables, person


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url) as connection:
        build_tables(connection)
        add_people(connection, people=3, days=2)
        yield connection
        connection.rollback()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


async def live(redis: Redis, user_id: UUID) -> None:
    """A rating of yesterday in live state."""
    today = clock.now().date()
    rated = Tile(1, 600, 360_000, 600, 600, 600, clock.now() - timedelta(days=1))
    await fill(
        redis, user_id, {today - timedelta(days=1): {"energy": rated}}, since=today - timedelta(days=27)
    )


def publish(connection: psycopg.Connection[Any]) -> None:
    artifact = an_energy_artifact()
    connection.execute(
        "insert into predictions.model_artifacts (model_name, model_version, artifact, sha256, metadata)"
        " values ('energy', '4', %s, %s, '{}')",
        [artifact, digest(artifact)],
    )
    connection.execute("insert into predictions.model_aliases values ('energy', 'champion', '4')")


async def test_who_looked_is_answered_by_the_new_model(
    connection: psycopg.Connection[Any], redis: Redis
) -> None:
    looked, did_not, without_tiles = person(0), person(1), person(2)
    for user_id in (looked, without_tiles):
        await put(redis, prediction_place(user_id, "energy"), b"{}", stamp=b"3")
    for user_id in (looked, did_not):
        await live(redis, user_id)
    publish(connection)

    warmed = await warm_predictions(connection, redis, "energy", "real")

    found = await look_up(redis, prediction_place(looked, "energy"), b"4")
    stored = connection.execute(
        "select user_id, model_version, origin from predictions.predictions"
    ).fetchall()
    assert warmed == 1
    assert found.body is not None
    assert json.loads(found.body)["model_version"] == "4"
    assert stored == [(looked, "4", "live")]
    assert (await look_up(redis, prediction_place(without_tiles, "energy"), b"4")).body is None
    assert (await look_up(redis, prediction_place(did_not, "energy"), b"4")).body is None


async def test_people_of_another_cohort_and_strangers_are_left_alone(
    connection: psycopg.Connection[Any], redis: Redis
) -> None:
    await put(redis, prediction_place(person(0), "energy"), b"{}")
    await put(redis, prediction_place(UUID(int=5), "energy"), b"{}")
    await live(redis, person(0))

    assert len(await kept_for(redis, "energy")) == 2
    assert await warm_predictions(connection, redis, "energy", "simulated") == 0
    assert await warm_predictions(connection, redis, "mood", "real") == 0
