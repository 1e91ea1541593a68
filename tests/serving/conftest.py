"""The API for tests: the real application over a real Postgres and a real Redis, without a network."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI

from aurora.settings import Settings, load_settings
from serving.app import create_app
from serving.options import ApiOptions
from tests.fixtures import service_run
from tests.fixtures.database import fresh_database

if TYPE_CHECKING:
    from tests.serving.post_office import PostOffice

PASSWORD = "a sentence that one remembers"
JWT_SECRET = "the signing secret of the tests, which is long enough for every algorithm"
DATA_KEY = "5a" * 32
NOWHERE = "redis://127.0.0.1:1/0"
"""A port on which nobody listens."""


@dataclass
class Account:
    """Somebody who is logged in."""

    user_id: str
    username: str
    tokens: dict[str, Any]
    headers: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.headers = {"Authorization": f"Bearer {self.tokens['access_token']}"}


@pytest.fixture(scope="session")
def api_database(postgres_admin_url: str, template_database: str) -> Iterator[str]:
    """A database that the tests of the API share, as its owner: each test brings people of its own."""
    yield from fresh_database(postgres_admin_url, template_database, f"aurora_api_{uuid.uuid4().hex[:8]}")


@pytest.fixture(scope="session")
def settings(api_database: str, role_url: Callable[..., str], worker_id: str) -> Settings:
    number = 1 + int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0
    return load_settings(
        postgres_url=role_url("aurora_serving", api_database),
        redis_url=service_run.start_redis().url(number),
        jwt_secret=JWT_SECRET,
        data_key=DATA_KEY,
        api_workers=2,
    )


def quick(**options: Any) -> ApiOptions:
    """Options for tests: cheap passwords, limits that nobody meets by accident."""
    return ApiOptions(
        **{
            "hosts": ("api", "testserver", "localhost", "127.0.0.1"),
            "bcrypt_cost": 4,
            "anonymous_per_minute": 10_000,
            "login_per_minute": 10_000,
            "reset_per_minute": 10_000,
            "ai_per_minute": 10_000,
            **options,
        }
    )


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that has started."""
    async with app.router.lifespan_context(app), coming_from(an_address(), app) as client:
        yield client


def coming_from(address: str, app: FastAPI) -> httpx.AsyncClient:
    """A client at an address, of an application that has started."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://api")


@pytest.fixture(scope="session")
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with running(create_app(settings, quick())) as client:
        yield client


async def log_in(client: httpx.AsyncClient, username: str = "", tz: str = "Europe/Oslo") -> Account:
    """Register somebody new and log in."""
    username = username or a_name()
    wanted = {"username": username, "password": PASSWORD, "tz": tz}
    registered = await client.post("/api/v1/auth/register", json=wanted)
    assert registered.status_code == 201, registered.text
    login = await client.post("/api/v1/auth/login", json={"username": username, "password": PASSWORD})
    assert login.status_code == 200, login.text
    return Account(registered.json()["user_id"], username, login.json())


def an_address() -> str:
    """One of this machine, from which nobody else comes: tests share a Redis, and shall not share a rate limit."""
    return ".".join(["127", *(str(1 + byte % 254) for byte in uuid.uuid4().bytes[:3])])


async def until_refused(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """Wait until a worker has heard that this login or key is closed. It should take milliseconds."""
    async with asyncio.timeout(10):
        while (await client.get("/api/v1/auth/me", headers=headers)).status_code != 401:
            pass


def a_name() -> str:
    """A user name that nobody has."""
    return f"ada-{uuid.uuid4().hex[:12]}"


@pytest.fixture
async def ada(client: httpx.AsyncClient) -> Account:
    return await log_in(client)


def an_event(**changes: Any) -> dict[str, Any]:
    """A rating of energy, a minute ago or as told."""
    return {
        "event_id": str(uuid.uuid4()),
        "type": "energy.rated",
        "started_at": datetime.now(UTC).isoformat(),
        "source": {"name": "tests"},
        "payload": {"energy": 6.5},
        **changes,
    }


@pytest.fixture
async def office(
    settings: Settings, committed_database: str, role_url: Callable[..., str]
) -> AsyncIterator[PostOffice]:
    """The API with the jobs' process and a mail server beside it."""
    from tests.serving.post_office import a_post_office  # it stands on this file

    async with a_post_office(settings, committed_database, role_url, quick()) as office:
        yield office
