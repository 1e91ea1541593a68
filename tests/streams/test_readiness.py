from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from aurora.errors import ServiceUnavailableError
from aurora.settings import Settings, load_settings
from streams.readiness import SchemaTooOldError, wait_for_services

SHORTLY = timedelta(seconds=0.5)
NOWHERE = "127.0.0.1:1"


@pytest.fixture
def settings(
    database_url: str, role_url: Callable[..., str], redis_url: str, kafka_bootstrap: str
) -> Settings:
    return load_settings(
        postgres_url=role_url("aurora_streams"), redis_url=redis_url, kafka_bootstrap=kafka_bootstrap
    )


async def test_all_services_are_there(settings: Settings) -> None:
    async with Redis.from_url(settings.redis_url) as redis:
        await wait_for_services(settings, redis, SHORTLY)


@pytest.mark.parametrize(
    ("missing", "name"),
    [
        ({"postgres_url": f"postgresql://{NOWHERE}/aurora"}, "Postgres"),
        ({"redis_url": f"redis://{NOWHERE}/0"}, "Redis"),
        ({"kafka_bootstrap": NOWHERE}, "The broker"),
    ],
)
async def test_what_stays_away_is_named(settings: Settings, missing: dict[str, str], name: str) -> None:
    lacking = settings.model_copy(update=missing)
    async with Redis.from_url(lacking.redis_url) as redis:
        with pytest.raises(ServiceUnavailableError, match=name):
            await wait_for_services(lacking, redis, SHORTLY)


async def test_a_database_without_the_schema_is_told_from_one_that_is_away(
    settings: Settings, postgres_admin_url: str
) -> None:
    empty = settings.model_copy(update={"postgres_url": postgres_admin_url})
    async with Redis.from_url(empty.redis_url) as redis:
        with pytest.raises(SchemaTooOldError, match="aurora migrate"):
            await wait_for_services(empty, redis, SHORTLY)


def test_the_process_ends_with_one_line_when_it_is_not_configured() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "streams"], capture_output=True, text=True, env=os.environ, check=False
    )

    assert ended.returncode == 1
    assert (
        ended.stderr.strip().splitlines()[-1].startswith("error: no address for redis_url: run `aurora up`")
    )
