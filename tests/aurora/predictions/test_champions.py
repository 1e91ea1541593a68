"""The champions of a running process, over a real Postgres with commits and notifications."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from aurora.predictions import champions as module
from aurora.predictions.artifact import digest
from aurora.predictions.champions import Champions
from aurora.predictions.predictor import Predictor
from aurora.predictions.storage import read_predictor
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


class SlowReading:
    """Reads a champion, and keeps it back until told to go on."""

    def __init__(self) -> None:
        self.has_read, self.may_go_on = threading.Event(), threading.Event()

    def __call__(self, *args: Any, **options: Any) -> Predictor | None:
        predictor = read_predictor(*args, **options)
        self.has_read.set()
        assert self.may_go_on.wait(10)
        return predictor


async def test_an_alias_that_moves_while_the_first_model_is_loaded_is_not_missed(
    committed_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = SlowReading()
    monkeypatch.setattr(module, "read_predictor", reading)
    champions = Champions(committed_database, threads=1)
    publish(committed_database, "1")
    first = asyncio.create_task(version_of(champions))
    await asyncio.to_thread(reading.has_read.wait, 10)

    publish(committed_database, "2")
    heard = asyncio.create_task(champions.refresh("energy"))
    await asyncio.sleep(0)
    reading.may_go_on.set()
    await asyncio.gather(first, heard)

    assert await version_of(champions) == "2"


async def test_of_two_refreshes_at_once_the_later_one_is_the_last_to_read(
    committed_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    champions = Champions(committed_database, threads=1)
    publish(committed_database, "1")
    await version_of(champions)
    slow = SlowReading()
    monkeypatch.setattr(module, "read_predictor", slow)

    earlier = asyncio.create_task(champions.refresh())
    await asyncio.to_thread(slow.has_read.wait, 10)
    publish(committed_database, "2")
    monkeypatch.setattr(module, "read_predictor", read_predictor)
    later = asyncio.create_task(champions.refresh())
    await asyncio.wait([later], timeout=0.3)
    assert await version_of(champions) == "1", "the model before answers while the next is loaded"
    slow.may_go_on.set()
    await asyncio.gather(earlier, later)

    assert await version_of(champions) == "2"


async def test_a_model_that_could_not_be_read_when_it_moved_is_looked_for_again(
    committed_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    champions = Champions(committed_database, threads=1)
    publish(committed_database, "1")
    await version_of(champions)
    publish(committed_database, "2")
    with monkeypatch.context() as away:
        away.setattr(champions, "_url", "postgresql://127.0.0.1:9/nowhere")
        await champions.refresh("energy")
    kept = await version_of(champions)
    monkeypatch.setattr(module, "LOOK_AGAIN_SECONDS", 0)

    assert kept == "1"
    assert await version_of(champions) == "2"
