"""Postgres, Redis and the broker out of wheels: they start, stop, and lose nothing when they are killed."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from confluent_kafka import Consumer, Producer
from redis.backoff import NoBackoff
from redis.retry import Retry

from aurora.database.locks import session_lock
from infra.embedded.broker import EmbeddedBroker
from infra.embedded.postgres import EmbeddedPostgres, as_superuser, program_dir
from infra.embedded.redis import EmbeddedRedis
from infra.errors import DataFolderError, ServiceStartError
from infra.ports import free_port
from tests.infra.waiting import eventually

LONG_QUERY = """
import sys
import psycopg
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    connection.execute("select pg_advisory_lock(hashtextextended('work', 0))")
    print("locked", flush=True)
    connection.execute("select pg_sleep(600)")
"""


@pytest.fixture
def postgres(service_dir: Path) -> Iterator[EmbeddedPostgres]:
    cluster = EmbeddedPostgres(service_dir / "postgres", free_port(), "a password", fast=True)
    yield cluster
    cluster.destroy()


@pytest.fixture
def durable(service_dir: Path) -> Iterator[EmbeddedPostgres]:
    """As it is in use, running, with a row in it."""
    cluster = EmbeddedPostgres(service_dir / "postgres", free_port(), "a password")
    cluster.start()
    write_a_row(cluster)
    yield cluster
    cluster.destroy()


@pytest.fixture
def valkey(service_dir: Path) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(service_dir / "redis", free_port(), "a-password")
    yield server
    server.stop()


def process_of(postgres: EmbeddedPostgres) -> psutil.Process:
    assert postgres.pid is not None
    return psutil.Process(postgres.pid)


def kill(postgres: EmbeddedPostgres) -> None:
    """The server alone, as the kernel would when memory is short: its children may live a moment longer."""
    killed = process_of(postgres)
    killed.kill()
    killed.wait(5)


def write_a_row(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("create database kept")
    with psycopg.connect(postgres.url("kept"), autocommit=True) as connection:
        connection.execute("create table notes as select 'remember me' as note")


def read_the_row(postgres: EmbeddedPostgres) -> str:
    with psycopg.connect(postgres.url("kept")) as connection:
        row = connection.execute("select note from notes").fetchone()
    assert row is not None
    return row[0]


def test_postgres_keeps_its_data_over_a_stop_and_a_start(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    write_a_row(postgres)
    postgres.stop()
    assert postgres.pid is None

    postgres.start()

    assert read_the_row(postgres) == "remember me"


def test_postgres_starts_again_after_it_was_killed(durable: EmbeddedPostgres) -> None:
    kill(durable)

    durable.start()

    assert read_the_row(durable) == "remember me"


def test_postgres_waits_for_what_a_killed_one_left_running(durable: EmbeddedPostgres) -> None:
    child = process_of(durable).children()[0]
    child.suspend()
    kill(durable)

    def is_refused() -> bool:
        return "is still in use" in durable.log_file.read_text()

    with ThreadPoolExecutor(1) as beside:
        starting = beside.submit(durable.start)
        try:
            eventually(lambda: is_refused() or starting.done())
        finally:
            child.kill()
        starting.result()

    assert is_refused()
    assert read_the_row(durable) == "remember me"


def test_what_a_killed_process_had_asked_for_ends_and_gives_its_lock_back(
    postgres: EmbeddedPostgres,
) -> None:
    postgres.start()
    asking = subprocess.Popen([sys.executable, "-c", LONG_QUERY, postgres.url()], stdout=subprocess.PIPE)
    assert asking.stdout is not None
    assert asking.stdout.readline() == b"locked\n"

    asking.kill()
    asking.wait()

    with (
        psycopg.connect(postgres.url(), autocommit=True) as other,
        session_lock(other, "work", patience=60) as is_mine,
    ):
        assert is_mine


def test_a_lock_file_whose_number_another_process_has_by_now_does_not_stop_postgres(
    postgres: EmbeddedPostgres,
) -> None:
    postgres.start()
    postgres.stop()
    lock_file = postgres.cluster_dir / "postmaster.pid"
    lock_file.write_text(f"{os.getpid()}\n{postgres.cluster_dir}\n0\n{postgres.port}\n\n127.0.0.1\n")

    postgres.start()

    assert postgres.is_ready()


def test_a_wrong_password_is_refused(postgres: EmbeddedPostgres) -> None:
    postgres.start()

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres.url(password="guessed"))


def test_the_superuser_of_postgres_has_no_way_in(postgres: EmbeddedPostgres) -> None:
    postgres.start()

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres.url(role="postgres"))


def test_the_owner_may_make_roles_and_databases_but_is_no_superuser(postgres: EmbeddedPostgres) -> None:
    postgres.start()

    with psycopg.connect(postgres.url()) as connection:
        row = connection.execute(
            "select rolsuper, rolcreaterole, rolcreatedb from pg_roles where rolname = current_user"
        ).fetchone()

    assert row == (False, True, True)


def test_the_owner_may_limit_temporary_files_also_of_a_cluster_of_an_earlier_version(
    postgres: EmbeddedPostgres,
) -> None:
    postgres.start()
    may = "select has_parameter_privilege('temp_file_limit', 'set')"
    with psycopg.connect(postgres.url()) as connection:
        assert connection.execute(may).fetchone() == (True,)
    postgres.stop()
    (postgres.cluster_dir / "aurora.files-limited").unlink()
    revoke = "revoke set on parameter temp_file_limit from aurora_owner\n"
    as_superuser(program_dir(), postgres.cluster_dir, revoke)

    postgres.start()

    with psycopg.connect(postgres.url()) as connection:
        assert connection.execute(may).fetchone() == (True,)


def test_postgres_on_a_port_that_is_taken_says_so_with_the_end_of_its_log(
    postgres: EmbeddedPostgres, valkey: EmbeddedRedis
) -> None:
    valkey.start()
    unlucky = EmbeddedPostgres(postgres.data_dir, valkey.port, postgres.password, fast=True)

    with pytest.raises(ServiceStartError, match="Address already in use"):
        unlucky.start(timeout_seconds=5)


def test_data_of_another_postgres_version_are_not_touched(postgres: EmbeddedPostgres) -> None:
    postgres.prepare()
    (postgres.cluster_dir / "PG_VERSION").write_text("16\n")

    with pytest.raises(DataFolderError, match="PostgreSQL 16"):
        postgres.start()


def test_valkey_keeps_its_data_over_a_stop_and_a_start(valkey: EmbeddedRedis) -> None:
    valkey.start()
    with redis.Redis.from_url(valkey.url()) as client:
        client.set("note", "remember me")
    valkey.stop()
    assert valkey.pid is None

    valkey.start()

    with redis.Redis.from_url(valkey.url()) as client:
        assert client.get("note") == b"remember me"


def test_valkey_keeps_its_data_when_it_is_killed(valkey: EmbeddedRedis) -> None:
    valkey.start()
    with redis.Redis.from_url(valkey.url()) as client:
        client.set("note", "remember me")
    assert valkey.pid is not None
    killed = psutil.Process(valkey.pid)
    os.kill(valkey.pid, signal.SIGKILL)
    killed.wait(5)

    valkey.start()

    with redis.Redis.from_url(valkey.url()) as client:
        assert client.get("note") == b"remember me"


def test_valkey_wants_its_password_and_keeps_it_to_itself(valkey: EmbeddedRedis) -> None:
    valkey.start()

    with (
        redis.Redis(port=valkey.port, retry=Retry(NoBackoff(), 0)) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()
    assert stat.S_IMODE(valkey.config_file.stat().st_mode) == 0o600


def test_a_message_goes_through_the_embedded_broker() -> None:
    broker = EmbeddedBroker()
    address = broker.start()
    producer = Producer({"bootstrap.servers": address})
    producer.produce("letters", b"hello")
    assert producer.flush(10) == 0

    consumer = Consumer(
        {"bootstrap.servers": address, "group.id": "readers", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe(["letters"])
    message = consumer.poll(10)
    consumer.close()
    broker.stop()

    assert message is not None
    assert message.value() == b"hello"
