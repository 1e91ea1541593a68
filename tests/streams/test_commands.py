from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from aurora.cli import build
from aurora.features.live import read_tiles
from tests.streams.conftest import Life


async def run(*arguments: str) -> Result:
    """The command in a thread of its own: it has an event loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, build(), ["streams", *arguments])


@pytest.fixture(autouse=True)
def _addresses(life: Life, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURORA_POSTGRES_URL", life.owner_url)
    monkeypatch.setenv("AURORA_REDIS_URL", redis_url)


async def test_rebuild_fills_everybody_and_says_how_fast(life: Life) -> None:
    people = [await life.somebody() for _ in range(3)]
    await life.happens(people[0])
    result = await run("rebuild")

    assert result.exit_code == 0, result.output
    assert "Live tiles of 3 people rebuilt" in result.output
    assert "Read from the log." in result.output
    for user_id in people:
        assert await read_tiles(life.redis, user_id) == await life.tiles_of_log(user_id)


async def test_rebuild_of_one_person_leaves_the_others_alone(life: Life) -> None:
    ada, bob = await life.somebody(), await life.somebody()
    result = await run("rebuild", "--user", str(ada))

    assert "Live tiles of 1 people" in result.output
    assert await read_tiles(life.redis, ada) == {}
    assert await read_tiles(life.redis, bob) is None


async def test_rebuild_of_nobody_says_so(life: Life) -> None:
    nobody = uuid4()
    result = await run("rebuild", "--user", str(nobody))

    assert str(result.exception) == f"there is nobody with the id {nobody}"


async def test_status_tells_what_waits_and_what_is_in_flight(life: Life) -> None:
    ada = await life.somebody()
    for _ in range(3):
        await life.happens(ada)
    await life.execute("update raw.outbox set published_at = now() where outbox_id = 1")
    await life.refresher.refresh([touch for touch in await life.touches() if touch.outbox_id == 2])
    result = await run("status")

    assert result.exit_code == 0, result.output
    assert "none is running" in result.output
    assert "1 of 1 people" in result.output
    lines = [line.split() for line in result.output.splitlines()]
    assert ["waiting", "for", "the", "broker", "2"] in [line[:5] for line in lines]
    assert ["in", "the", "broker", "1"] in [line[:4] for line in lines]


async def test_status_without_redis_says_so(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURORA_REDIS_URL", "redis://127.0.0.1:1/0")
    result = await run("status")

    assert "Redis does not answer" in result.output
