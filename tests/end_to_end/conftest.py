"""The whole way for tests: the API and the streams as processes of their own, over real services.

`system` runs on the embedded broker and is shared; `system_on_kafka` on Apache Kafka proper.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from websockets.asyncio.client import ClientConnection, connect

from infra.embedded.broker import EmbeddedBroker
from infra.ports import free_port
from tests.fixtures import service_run
from tests.fixtures.database import fresh_database

PROJECT = Path(__file__).parents[2]
PASSWORD = "a sentence that one remembers"
DEADLINE_SECONDS = 90


@dataclass
class System:
    """A running AURORA: where it is, and its processes."""

    database: str
    role_url: Callable[..., str]
    redis: str
    logs: Path
    kafka: str = ""
    is_real_kafka: bool = False
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    api_port: int = field(default_factory=free_port)

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    def start_api(self) -> None:
        self._start(
            "serving",
            AURORA_POSTGRES_URL=self.role_url("aurora_serving", self.database),
            AURORA_API_PORT=str(self.api_port),
            AURORA_API_WORKERS="1",
            AURORA_API_BCRYPT_COST="4",
            AURORA_API_LOGIN_PER_MINUTE="1000",
            AURORA_JWT_SECRET="the signing secret of the tests, which is long enough for all",
            AURORA_DATA_KEY="5a" * 32,
        )

    def start_streams(self, *, called: str = "streams", **environment: str) -> None:
        self._start(
            "streams",
            called=called,
            AURORA_POSTGRES_URL=self.role_url("aurora_streams", self.database),
            AURORA_KAFKA_BOOTSTRAP=self.kafka,
            AURORA_KAFKA_MAY_CREATE_TOPICS=str(self.is_real_kafka),
            AURORA_KAFKA_CHECK_CRCS=str(self.is_real_kafka),
            **environment,
        )

    def ensure_streams(self) -> None:
        """Start the streams unless they run."""
        process = self.processes.get("streams")
        if process is None or process.poll() is not None:
            self.start_streams()

    def _start(self, module: str, *, called: str = "", **environment: str) -> None:
        name = called or module
        with (self.logs / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", module],
                cwd=PROJECT,
                env=os.environ | {"AURORA_REDIS_URL": self.redis} | environment,
                stdout=log,
                stderr=log,
            )

    def kill(self, name: str) -> None:
        """As a crash does."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def stop(self, name: str) -> tuple[int, float]:
        """As a supervisor does; the exit code and how long it took."""
        began = time.monotonic()
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(15), time.monotonic() - began

    def log(self, name: str) -> str:
        return (self.logs / f"{name}.log").read_text()

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database) as connection:
            return connection.execute(query.encode(), values).fetchall()


@dataclass
class Person:
    """Somebody who is logged in and has a client of their own."""

    user_id: str
    client: httpx.AsyncClient
    headers: dict[str, str]

    async def post(self, **event: Any) -> httpx.Response:
        answer = await self.client.post("/api/v1/events", json=an_event(**event), headers=self.headers)
        assert answer.status_code == 201, answer.text
        return answer

    async def get(self, path: str) -> Any:
        answer = await self.client.get(f"/api/v1/{path}", headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[ClientConnection]:
        url = str(self.client.base_url).replace("http", "ws").rstrip("/") + "/api/v1/ws"
        async with connect(url, additional_headers=self.headers) as socket:
            yield socket


def an_event(**changes: Any) -> dict[str, Any]:
    """A rating of energy now, or as told."""
    return {
        "event_id": str(uuid.uuid4()),
        "type": "energy.rated",
        "started_at": datetime.now(UTC).isoformat(),
        "source": {"name": "tests"},
        "payload": {"energy": 6.5},
        **changes,
    }


async def until(
    condition: Callable[[], Any], seconds: float = DEADLINE_SECONDS, every: float = 0.02
) -> float:
    """Wait until `condition` (a function, or a coroutine function) is true; how long it took."""
    began = time.monotonic()
    while True:
        result = condition()
        if asyncio.iscoroutine(result):
            result = await result
        if result:
            return time.monotonic() - began
        assert time.monotonic() - began < seconds, "it did not happen in time"
        await asyncio.sleep(every)


async def somebody(system: System) -> Person:
    """Register and log in."""
    client = httpx.AsyncClient(base_url=system.api, timeout=10)
    name = f"ada-{uuid.uuid4().hex[:12]}"
    registered = await client.post(
        "/api/v1/auth/register", json={"username": name, "password": PASSWORD, "tz": "Europe/Oslo"}
    )
    assert registered.status_code == 201, registered.text
    login = await client.post("/api/v1/auth/login", json={"username": name, "password": PASSWORD})
    token = login.json()["access_token"]
    return Person(registered.json()["user_id"], client, {"Authorization": f"Bearer {token}"})


@contextmanager
def running(system: System) -> Iterator[System]:
    """The API and the streams of this system, up and joined; stopped at the end."""
    system.start_api()
    system.start_streams()
    try:
        _wait_until_it_serves(system)
        yield system
    finally:
        for name, process in list(system.processes.items()):
            if process.poll() is None:
                system.stop(name)


def _wait_until_it_serves(system: System) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for name, process in system.processes.items():
            assert process.poll() is None, system.log(name)
        try:
            if httpx.get(f"{system.api}/readyz", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError(system.log("serving"))


@pytest.fixture(scope="session")
def new_system(
    postgres_admin_url: str, template_database: str, role_url: Callable[..., str], worker_id: str
) -> Iterator[Callable[..., System]]:
    """Makes systems with a database of their own; Redis is shared, its keys are people's ids."""
    number = 32 + (1 + int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0)
    databases = []

    def make(kafka: str, *, is_real_kafka: bool = False) -> System:
        database = fresh_database(postgres_admin_url, template_database, f"aurora_e2e_{uuid.uuid4().hex[:8]}")
        databases.append(database)
        logs = service_run.run_dir() / f"end-to-end-{uuid.uuid4().hex[:8]}"
        logs.mkdir()
        return System(
            next(database), role_url, service_run.start_redis().url(number), logs, kafka, is_real_kafka
        )

    yield make
    for database in databases:
        next(database, None)


@pytest.fixture(scope="session")
def system(new_system: Callable[..., System]) -> Iterator[System]:
    broker = EmbeddedBroker()
    with running(new_system(broker.start())) as system:
        yield system
    broker.stop()
