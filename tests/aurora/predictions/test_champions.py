"""The champions of a running process, over a real Postgres with commits and notifications."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import psycopg
import pytest

from aurora.predictions.artifact import digest
from aurora.predictions.champions import Champions
from tests.aurora.models.people import an_energy_artifact

ARTIFACT = an_energy_artifact()


def publish(url: str, version: str, *, sha256: str = digest(ARTIFACT)) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(
            "insert into predictions.model_artifacts (model_name, model_version, artifact, sha256, metadata)"
            " values ('energy', %s, %s, %s, '{}')",
            (version, ARTIFACT, sha256),
        )
        connection.execute(
            "insert into predictions.model_aliases (model_name, alias, model_version)"
            " values ('energy', 'champion', %s)"
            " on conflict (model_name, alias) do update set model_version = excluded.model_version",
            (version,),
        )
        connection.execute("notify aurora_models, 'energy'")


async def version_of(champions: Champions) -> str | None:
    predictor = await champions.get("energy", "real")
    return predictor and predictor.version


async def until_version(champions: Champions, version: str) -> None:
    async with asyncio.timeout(10):
        while await version_of(champions) != version:  # noqa: ASYNC110  # another connection notifies
            await asyncio.sleep(0.02)


@pytest.fixture
async def champions(committed_database: str) -> AsyncIterator[Champions]:
    champions = Champions(committed_database, threads=1)
    listening = asyncio.create_task(champions.listen())
    yield champions
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening


async def test_a_model_that_takes_over_is_served_without_a_restart(
    champions: Champions, committed_database: str
) -> None:
    publish(committed_database, "1")
    await until_version(champions, "1")
    publish(committed_database, "2")
    await until_version(champions, "2")


async def test_a_first_model_is_found_though_nobody_had_one_to_offer_before(
    champions: Champions, committed_database: str
) -> None:
    assert await version_of(champions) is None
    await asyncio.sleep(0.3)
    publish(committed_database, "1")
    await until_version(champions, "1")


async def test_a_damaged_model_leaves_the_old_one_at_work(
    champions: Champions, committed_database: str
) -> None:
    publish(committed_database, "1")
    await until_version(champions, "1")
    publish(committed_database, "2", sha256="0" * 64)
    await champions.refresh("energy")

    assert await version_of(champions) == "1"


async def test_a_listener_that_lost_its_connection_catches_up(
    champions: Champions, committed_database: str
) -> None:
    publish(committed_database, "1")
    await until_version(champions, "1")
    with psycopg.connect(committed_database, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and query like 'listen%'"
        )
    publish(committed_database, "2")
    await until_version(champions, "2")
