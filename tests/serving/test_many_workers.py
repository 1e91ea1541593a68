"""What holds for all workers together: real processes of `python -m serving` behind one port."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from aurora.settings import PROJECT_DIR, Settings
from benchmarks.server_process import answering
from infra.ports import free_port
from tests.serving.conftest import DATA_KEY, JWT_SECRET, NOWHERE, an_address, quick
from tests.serving.live_server import Server

WORKERS = 2
"""As many as tell a limit of all from one of each: a process takes seconds to start."""
LIMIT = 120

PUBLIC = "/api/v1/predictions/what-if/changes"


@contextmanager
def workers(settings: Settings, folder: Path, redis_url: str) -> Iterator[str]:
    """The address of an API of several processes."""
    port = free_port()
    environment = {
        "AURORA_POSTGRES_URL": settings.need("postgres_url"),
        "AURORA_REDIS_URL": redis_url,
        "AURORA_JWT_SECRET": JWT_SECRET,
        "AURORA_DATA_KEY": DATA_KEY,
        "AURORA_DATA_DIR": str(folder / "data"),
        "AURORA_API_PORT": str(port),
        "AURORA_API_WORKERS": str(WORKERS),
        "AURORA_API_ANONYMOUS_PER_MINUTE": str(LIMIT),
    }
    url = f"http://127.0.0.1:{port}"
    with answering(
        [sys.executable, "-m", "serving"],
        url=f"{url}/readyz",
        log=folder / "serving.log",
        cwd=PROJECT_DIR,
        environment=environment,
        seconds=180,
        with_success=True,
    ):
        yield url


async def ask_often(url: str, count: int) -> Counter[int]:
    """The statuses of so many requests, each by a connection of its own, and from somewhere else as it says."""
    statuses: Counter[int] = Counter()
    numbers = iter(range(count))
    transport = httpx.AsyncHTTPTransport(
        local_address=an_address(), limits=httpx.Limits(max_keepalive_connections=0)
    )
    async with httpx.AsyncClient(timeout=60, transport=transport) as client:

        async def ask_some() -> None:
            for number in numbers:
                spoofed = {"X-Forwarded-For": f"198.51.{number // 250}.{number % 250}"}
                statuses[(await client.get(url + PUBLIC, headers=spoofed)).status_code] += 1

        await asyncio.gather(*(ask_some() for _ in range(16)))
    return statuses


@pytest.mark.slow
async def test_of_all_that_ask_two_workers_at_once_no_more_than_the_limit_pass(
    settings: Settings, tmp_path: Path
) -> None:
    with workers(settings, tmp_path, settings.need("redis_url")) as url:
        statuses = await ask_often(url, 5 * LIMIT)

    assert set(statuses) == {200, 429}
    assert statuses[200] == LIMIT


@pytest.mark.slow
async def test_without_redis_two_workers_let_no_more_pass_than_one_limit(
    settings: Settings, tmp_path: Path
) -> None:
    with workers(settings, tmp_path, NOWHERE) as url:
        statuses = await ask_often(url, 5 * LIMIT)

    assert set(statuses) == {200, 429}
    assert LIMIT / WORKERS <= statuses[200] <= LIMIT


@pytest.mark.parametrize(("trusted", "passed"), [("", 5), ("192.0.2.1", 5), ("127.0.0.0/8", 20)])
async def test_whom_a_request_is_forwarded_for_counts_where_the_proxy_is_trusted(
    settings: Settings, trusted: str, passed: int
) -> None:
    options = quick(anonymous_per_minute=5, trusted_proxies=trusted)
    own = settings.model_copy(update={"redis_url": NOWHERE, "api_workers": 1})
    async with Server(own, options).run() as server:
        statuses = await ask_often(server.url, 20)

    assert statuses[200] == passed
