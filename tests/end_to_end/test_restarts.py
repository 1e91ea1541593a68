"""Services that go away and come back under a system that runs: nothing is lost, and nobody has to help."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from aurora.database.migrate import migrate
from aurora.secrets import role_password
from infra.embedded.broker import EmbeddedBroker
from infra.embedded.kafka import KafkaNode, missing_tools
from infra.embedded.postgres import EmbeddedPostgres
from infra.embedded.redis import EmbeddedRedis
from infra.ports import free_port
from tests.end_to_end.conftest import Person, System, running, somebody, until
from tests.end_to_end.test_healing import has_effect, last_energy, rate
from tests.fixtures import service_run
from tests.fixtures.apache_kafka import JARS_DIR

pytestmark = pytest.mark.slow
HEAL_SECONDS = 90


@dataclass
class Services:
    """Services that nobody else uses, so that they may be stopped."""

    folder: Path
    postgres: EmbeddedPostgres
    redis: EmbeddedRedis

    @classmethod
    def start(cls, folder: Path) -> Services:
        password = role_password(service_run.SECRET_KEY, "aurora_owner")
        services = cls(
            folder,
            EmbeddedPostgres(folder / "postgres", free_port(), password, fast=True),
            EmbeddedRedis(folder / "redis", free_port(), "test", fast=True),
        )
        services.postgres.start()
        services.redis.start()
        return services

    def system(self, kafka: str, *, is_real_kafka: bool = False) -> System:
        """A system with a database of its own."""
        name = f"aurora_{uuid.uuid4().hex[:8]}"
        with psycopg.connect(self.postgres.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        url = self.postgres.url(name)
        migrate(url, service_run.SECRET_KEY, databases=False)
        return System(url, as_role, self.redis.url(), self.folder, kafka, is_real_kafka=is_real_kafka)

    def stop(self) -> None:
        self.redis.stop()
        self.postgres.stop()


def as_role(role: str, url: str) -> str:
    parts = urlsplit(url)
    login = f"{role}:{role_password(service_run.SECRET_KEY, role)}@{parts.hostname}:{parts.port}"
    return urlunsplit(parts._replace(netloc=login))


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    folder = Path(tempfile.mkdtemp(prefix="restarts-", dir=service_run.run_dir()))
    folder.chmod(0o711)
    services = Services.start(folder)
    yield services
    services.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def system(services: Services) -> Iterator[System]:
    broker = EmbeddedBroker()
    with running(services.system(broker.start())) as system:
        yield system
    broker.stop()


async def test_postgres_goes_away_and_comes_back(system: System, services: Services) -> None:
    ada = await somebody(system)
    await rate(ada, 3)
    await until(has_effect(system, ada))
    services.postgres.stop()
    await asyncio.sleep(2)
    services.postgres.start()
    began = time.monotonic()
    await until(lambda: _is_rated(ada, 8), seconds=30)
    await until(has_effect(system, ada), seconds=HEAL_SECONDS)
    _tell("Postgres", began)

    assert await last_energy(ada) == ("live", 8)
    assert system.processes["streams"].poll() is None, system.log("streams")


async def test_redis_goes_away_and_the_event_waits_for_it(system: System, services: Services) -> None:
    ada = await somebody(system)
    await rate(ada, 3)
    await until(has_effect(system, ada))
    services.redis.stop()
    await rate(ada, 8)
    await asyncio.sleep(2)
    assert not has_effect(system, ada)()
    services.redis.start()
    began = time.monotonic()
    await until(has_effect(system, ada), seconds=HEAL_SECONDS)
    _tell("Redis", began)

    # The API asks Redis again when it has answered a probe, which may come after the event had its effect.
    async with asyncio.timeout(HEAL_SECONDS):
        while await last_energy(ada) != ("live", 8):
            pass
    assert system.processes["streams"].poll() is None, system.log("streams")


@pytest.mark.kafka
async def test_apache_kafka_goes_away_and_comes_back(services: Services, apache_kafka: str) -> None:
    assert not missing_tools()
    node = KafkaNode(JARS_DIR, services.folder / "kafka", free_port(), free_port())
    try:
        with running(services.system(node.start(), is_real_kafka=True)) as system:
            ada = await somebody(system)
            await rate(ada, 3)
            await until(has_effect(system, ada))
            node.stop()
            await rate(ada, 8)
            await asyncio.sleep(2)
            assert await last_energy(ada) == ("log", 8)
            node.start()
            began = time.monotonic()
            await until(lambda: _is_alive(system) and has_effect(system, ada)(), seconds=HEAL_SECONDS)
            _tell("Apache Kafka", began)
            assert await last_energy(ada) == ("live", 8)
    finally:
        node.stop()


async def _is_rated(person: Person, energy: float) -> bool:
    try:
        await rate(person, energy)
    except AssertionError:
        return False
    return True


def _is_alive(system: System) -> bool:
    """What the supervisor does: start anew what has ended."""
    if system.processes["streams"].poll() is not None:
        system.start_streams()
    return True


def _tell(service: str, began: float) -> None:
    seconds = time.monotonic() - began
    print(f"{service} is back: effect after {seconds:.1f} s")  # noqa: T201  # a figure for people
