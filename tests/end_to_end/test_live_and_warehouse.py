"""Live state and the warehouse side by side: filled from it in bulk, and checked against it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import dagster as dg
import psycopg
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from aurora.features.live import fill, live_days, read_tiles, tiles_key
from pipelines.resources import PostgresResource, SettingsResource
from pipelines.transformation.checks import live_vectors_equal_the_warehouse
from streams.features.people import read_everybody
from streams.features.rebuild import Rebuilt, rebuild
from tests.pipelines.transformation.conftest import Warehouse, warehouse  # noqa: F401  # a fixture
from tests.streams.conftest import Life, life, redis, today  # noqa: F401  # fixtures


@pytest.fixture
def life_database(warehouse: Warehouse) -> str:  # noqa: F811
    return warehouse.owner_url


async def people_with_a_history(life: Life) -> list[UUID]:  # noqa: F811
    people = [await life.somebody() for _ in range(3)]
    for number, user_id in enumerate(people[:2]):
        for days_ago in (0, 1, 2, 9, 26, 27, 28, 40):
            await life.happens(user_id, days_ago=days_ago, payload={"valence": (days_ago + number) / 50})
            energy = {"energy": (days_ago + number) % 10}
            await life.happens(user_id, days_ago=days_ago, type="energy.rated", payload=energy)
    return people


async def rebuild_everybody(life: Life, **options: Any) -> Rebuilt:  # noqa: F811
    async with await psycopg.AsyncConnection.connect(life.url) as connection:
        return await rebuild(connection, life.redis, await read_everybody(connection), **options)


async def test_everybody_is_filled_from_the_warehouse_and_what_is_newer_from_the_log(
    life: Life,  # noqa: F811
    warehouse: Warehouse,  # noqa: F811
) -> None:
    people = await people_with_a_history(life)
    await asyncio.to_thread(warehouse.build)
    corrected = await life.happens(people[0], days_ago=5)
    await life.happens(people[0], days_ago=3, event_id=corrected, version=2)
    rebuilt = await rebuild_everybody(life)

    assert (rebuilt.source, rebuilt.days_from_log) == ("warehouse", 2)
    for user_id in people:
        assert await read_tiles(life.redis, user_id) == await life.tiles_of_log(user_id)
    again = await rebuild_everybody(life, from_log=True)
    assert (again.source, again.tiles) == ("log", rebuilt.tiles)


async def test_a_warehouse_that_differs_from_the_log_is_not_taken(
    life: Life,  # noqa: F811
    warehouse: Warehouse,  # noqa: F811
) -> None:
    people = await people_with_a_history(life)
    await asyncio.to_thread(warehouse.build)
    await life.execute("update intermediate.int_rating_tiles set total = total + 1 where measure = 'mood'")
    rebuilt = await rebuild_everybody(life)

    assert rebuilt.source == "log"
    assert await read_tiles(life.redis, people[0]) == await life.tiles_of_log(people[0])


@pytest.fixture
def check(warehouse: Warehouse, redis_url: str) -> Any:  # noqa: F811
    overrides = {
        "postgres_url": warehouse.url,
        "redis_url": redis_url,
        "data_dir": str(warehouse.data_dir),
    }
    settings = SettingsResource(overrides=overrides)

    def evaluate() -> dg.AssetCheckResult:
        result = live_vectors_equal_the_warehouse(settings, PostgresResource(settings=settings))
        assert isinstance(result, dg.AssetCheckResult)
        return result

    return lambda: asyncio.to_thread(evaluate)


async def test_the_check_of_parity_goes_red_when_a_tile_was_tampered_with(
    life: Life,  # noqa: F811
    warehouse: Warehouse,  # noqa: F811
    check: Any,
) -> None:
    people = await people_with_a_history(life)
    await life.refresh()
    await asyncio.to_thread(warehouse.build)
    green = await check()
    assert green.passed
    assert told(green, "people compared") == 2
    assert told(green, "values compared") >= 2 * 25
    assert metrics(warehouse)["aurora_features_parity_mismatches"] == 0

    tiles = await read_tiles(life.redis, people[0])
    assert tiles is not None
    day = today() - timedelta(days=9)
    mood = tiles[day]["mood"]
    wrong = {**tiles, day: {**tiles[day], "mood": mood._replace(sum=mood.sum + 1)}}
    await fill(life.redis, people[0], wrong, since=live_days(today())[0])
    red = await check()

    assert not red.passed
    assert told(red, "mismatches") > 0
    assert str(people[0]) in told(red, "differences")
    assert metrics(warehouse) == {
        "aurora_features_parity_mismatches": told(red, "mismatches"),
        "aurora_features_parity_people": 2,
    }
    # Who is touched, or has no live tiles, says nothing about parity.
    await life.redis.delete(tiles_key(people[1]))
    await life.happens(people[0])
    left = await check()
    assert left.passed
    assert told(left, "people compared") == 0
    assert told(left, "left out, no live tiles") == 1
    assert told(left, "left out, touched since the last build") == 1


def told(result: dg.AssetCheckResult, name: str) -> Any:
    value = result.metadata[name]
    return getattr(value, "value", value)


def metrics(warehouse: Warehouse) -> dict[str, float]:  # noqa: F811
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(Path(warehouse.data_dir) / "run" / "metrics"))
    lines = generate_latest(registry).decode().splitlines()
    return {line.split()[0]: float(line.split()[1]) for line in lines if not line.startswith("#")}
