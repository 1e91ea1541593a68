"""What is away: the API answers without Redis, says 503 without Postgres, and heals by itself."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import pytest
import redis
import redis.asyncio

from aurora.database.migrate import migrate
from aurora.secrets import role_password, role_url
from aurora.settings import Settings
from infra.embedded.postgres import EmbeddedPostgres
from infra.embedded.redis import EmbeddedRedis
from infra.ports import free_port
from serving.app import create_app
from serving.redis_access import RedisAccess
from tests.fixtures.service_run import SECRET_KEY
from tests.serving.conftest import NOWHERE, Account, an_event, log_in, quick, running
from tests.serving.live_server import until


@asynccontextmanager
async def gate_to(url: str) -> AsyncIterator[tuple[str, Callable[[bool], None]]]:
    """The address of a proxy to a service, and a switch that takes the service away and brings it back."""
    target = urlsplit(url)
    is_open = True
    writers: set[asyncio.StreamWriter] = set()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not is_open:
            writer.transport.abort()
            return
        there_reader, there_writer = await asyncio.open_connection(target.hostname, target.port)
        writers.update({writer, there_writer})
        await asyncio.gather(copy(reader, there_writer), copy(there_reader, writer))

    def switch(to: bool) -> None:
        nonlocal is_open
        is_open = to
        if not is_open:
            for writer in writers:
                writer.transport.abort()
            writers.clear()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    login = f"{target.username}:{target.password}@" if target.password else ""
    try:
        yield urlunsplit(target._replace(netloc=f"{login}127.0.0.1:{port}")), switch
    finally:
        switch(False)
        server.close()


@contextmanager
def a_black_hole() -> Iterator[str]:
    """The address of a Redis that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


async def use_everything(client: httpx.AsyncClient) -> Account:
    ada = await log_in(client)
    event = await client.post("/api/v1/events", json=an_event(), headers=ada.headers)
    assert event.status_code == 201
    for path in ("events", "timeline", "features/latest", "scores", "predictions/energy", "predictions/mood"):
        answer = await client.get(f"/api/v1/{path}", headers=ada.headers)
        assert answer.status_code == 200, answer.text
    return ada


async def test_the_api_answers_with_redis_dead(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"redis_url": NOWHERE}), quick())
    async with running(app) as client:
        ada = await use_everything(client)
        ticket = await client.post("/api/v1/ws/tickets", headers=ada.headers)
        ready = await client.get("/readyz")

    assert ticket.status_code == 503
    assert ticket.json()["code"] == "live-state-unavailable"
    assert "retry-after" in ticket.headers
    assert (ready.status_code, ready.json()["redis"]) == (200, "away")


async def test_a_redis_that_never_answers_costs_little(settings: Settings) -> None:
    with a_black_hole() as url:
        app = create_app(settings.model_copy(update={"redis_url": url}), quick(redis_timeout_seconds=0.1))
        async with running(app) as client:
            began = time.monotonic()
            await use_everything(client)

    assert time.monotonic() - began < 2


async def test_while_redis_is_away_nobody_asks_it_and_then_everybody_does(settings: Settings) -> None:
    asked = 0

    async def ask(client: redis.asyncio.Redis) -> bool:
        nonlocal asked
        asked += 1
        return bool(await client.ping())

    async with gate_to(settings.redis_url) as (url, switch):
        access = RedisAccess(url, 1.0)
        assert await access.attempt(ask, otherwise=False)
        switch(False)
        assert not any([await access.attempt(ask, otherwise=False) for _ in range(20)])
        assert (asked, access.is_away) == (2, True)
        switch(True)
        await until(lambda: not access.is_away)
        assert await access.attempt(ask, otherwise=False)
        await access.close()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """One that nobody else uses, so that it may be struck."""
    server = EmbeddedRedis(tmp_path, free_port(), "tests", fast=True)
    server.start()
    yield server
    if (pid := server.pid) is not None:
        os.kill(pid, signal.SIGCONT)
    server.stop()


@pytest.mark.parametrize("strike", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "a black hole"])
async def test_redis_that_goes_while_requests_come_costs_nobody_an_answer(
    settings: Settings, own_redis: EmbeddedRedis, strike: signal.Signals
) -> None:
    app = create_app(
        settings.model_copy(update={"redis_url": own_redis.url()}), quick(user_per_minute=10_000)
    )
    paths = [f"/api/v1/{path}" for path in ("events", "scores", "predictions/energy", "features/latest")]
    statuses: list[int] = []
    async with running(app) as client:
        ada = await use_everything(client)

        async def keep_asking(number: int) -> None:
            while len(statuses) < 400:
                answer = await client.get(paths[number % len(paths)], headers=ada.headers)
                statuses.append(answer.status_code)

        async def strike_in_between() -> None:
            await until(lambda: len(statuses) >= 100)
            os.kill(own_redis.pid or 0, strike)

        async with asyncio.timeout(30):
            await asyncio.gather(strike_in_between(), *(keep_asking(number) for number in range(8)))

    assert set(statuses) == {200}


@pytest.mark.parametrize("state", ["killed", "wiped", "a black hole"])
async def test_what_was_revoked_stays_revoked_whatever_becomes_of_redis(
    settings: Settings, client: httpx.AsyncClient, state: str
) -> None:
    gone, other = await log_in(client), await log_in(client)
    await client.post("/api/v1/auth/logout", headers=gone.headers)

    with a_redis(state, settings.redis_url) as url:
        async with running(create_app(settings.model_copy(update={"redis_url": url}), quick())) as worker:
            answers = [await worker.get("/api/v1/auth/me", headers=who.headers) for who in (gone, other)]
            body = {"refresh_token": gone.tokens["refresh_token"]}
            refreshed = await worker.post("/api/v1/auth/refresh", json=body)

    assert [answer.status_code for answer in answers] == [401, 200]
    assert refreshed.status_code == 401


@contextmanager
def a_redis(state: str, url: str) -> Iterator[str]:
    """The address of a Redis to which this has happened."""
    if state == "a black hole":
        with a_black_hole() as nothing:
            yield nothing
        return
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    yield url if state == "wiped" else NOWHERE


async def test_without_redis_each_worker_enforces_its_share_of_the_limit(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"redis_url": NOWHERE, "api_workers": 4})
    async with running(create_app(nowhere, quick(anonymous_per_minute=20))) as client:
        answers = [await client.get("/api/v1/event-types") for _ in range(7)]

    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2


async def test_with_postgres_away_the_answer_is_503_and_the_api_heals_by_itself(settings: Settings) -> None:
    async with gate_to(settings.postgres_url) as (url, switch):
        app = create_app(settings.model_copy(update={"postgres_url": url}), quick(postgres_wait_seconds=0.3))
        async with running(app) as client:
            ada = await log_in(client)
            switch(False)

            away = await client.get("/api/v1/events", headers=ada.headers)
            lost = await client.post("/api/v1/events", json=an_event(), headers=ada.headers)
            not_ready = await client.get("/readyz")
            alive = await client.get("/livez")
            catalogue = await client.get("/api/v1/event-types")
            switch(True)
            began = time.monotonic()
            for _ in range(50):
                if (await client.get("/readyz")).status_code == 200:
                    break
                await asyncio.sleep(0.1)
            healed = time.monotonic() - began
            back = await client.get("/api/v1/events", headers=ada.headers)

    for answer in (away, lost):
        assert answer.status_code == 503, answer.text
        assert answer.json()["code"] == "database-unavailable"
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["x-request-id"]
    assert (not_ready.status_code, alive.status_code, catalogue.status_code) == (503, 200, 200)
    assert healed < 5
    assert back.json()["items"] == []


async def test_a_postgres_that_was_restarted_is_found_again(service_dir: Path, settings: Settings) -> None:
    password = role_password(SECRET_KEY, "aurora_owner")
    postgres = EmbeddedPostgres(service_dir / "postgres", free_port(), password, fast=True)
    postgres.start()
    try:
        with psycopg.connect(postgres.url(), autocommit=True) as owner:
            owner.execute("create database aurora")
        migrate(postgres.url("aurora"), SECRET_KEY, databases=False)
        serving = role_url(postgres.url("aurora"), SECRET_KEY, "aurora_serving")
        own = settings.model_copy(update={"postgres_url": serving})
        async with running(create_app(own, quick(postgres_wait_seconds=0.3))) as client:
            ada = await log_in(client)
            await asyncio.to_thread(postgres.stop)
            away = await client.get("/api/v1/auth/me", headers=ada.headers)
            await asyncio.to_thread(postgres.start)
            async with asyncio.timeout(30):
                while (await client.get("/api/v1/auth/me", headers=ada.headers)).status_code != 200:
                    pass
            posted = await client.post("/api/v1/events", json=an_event(), headers=ada.headers)
    finally:
        postgres.stop()

    assert (away.status_code, away.json()["code"]) == (503, "database-unavailable")
    assert int(away.headers["retry-after"]) > 0
    assert posted.status_code == 201


async def test_the_api_starts_while_postgres_is_away(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"postgres_url": "postgresql://a:b@127.0.0.1:1/aurora"})
    async with running(create_app(nowhere, quick(postgres_wait_seconds=0.2))) as client:
        started = await client.get("/startupz")
        login = await client.post("/api/v1/auth/login", json={"username": "ada", "password": "x" * 10})

    assert started.status_code == 503
    assert login.status_code == 503


async def test_what_was_answered_is_committed(
    client: httpx.AsyncClient, ada: Account, api_database: str
) -> None:
    event = an_event()
    await client.post("/api/v1/events", json=event, headers=ada.headers)

    with psycopg.connect(api_database) as connection:
        found = connection.execute(
            "select 1 from raw.events where event_id = %s", (event["event_id"],)
        ).fetchone()

    assert found is not None


async def test_an_unexpected_error_is_a_problem_without_its_words(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(settings, quick())

    @app.get("/breaks")
    async def break_something() -> None:
        raise RuntimeError("the secret of somebody's life")

    async with running(app) as client:
        answer = await client.get("/breaks")

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["x-frame-options"] == "DENY"
