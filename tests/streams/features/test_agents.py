"""The agent without a broker: whatever arrives, the next message has its effect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import psycopg
import pytest
from redis.exceptions import ConnectionError as RedisAwayError

from aurora.features.live import read_tiles
from aurora.settings import load_settings
from streams.app import create_app
from streams.events.messages import Touch
from streams.features.agents import MessageHandler, register_agents
from streams.features.refresher import Refresher
from streams.progress import Progress
from tests.streams.conftest import Life, until


class Troubled(Refresher):
    """Fails as told, else works."""

    def __init__(self, life: Life, *failures: Exception, poison: str = "") -> None:
        self._life = life
        self._failures = list(failures)
        self._poison = poison

    async def refresh(self, touches: Sequence[Touch]) -> None:
        if self._failures:
            raise self._failures.pop(0)
        if any(touch.type == self._poison for touch in touches):
            raise ZeroDivisionError("this day cannot be computed")
        await self._life.refresher.refresh(touches)


@pytest.fixture
async def agent(life: Life) -> AsyncIterator[Any]:
    app = create_app(load_settings(kafka_bootstrap="nowhere:9092"))
    handler = MessageHandler(life.refresher, life.pool, Progress())
    async with register_agents(app, handler).test_context() as agent:
        yield agent


async def dead_letters(life: Life) -> list[tuple[Any, ...]]:
    return await life.rows(
        "select reason_code, reason, user_id from raw.rejected_events order by rejection_id"
    )


async def _sum_is(sizes: Sequence[int], count: int) -> bool:
    return sum(sizes) == count


async def all_is_consumed(life: Life) -> bool:
    return not await life.messages()


async def _are_set_aside(life: Life, count: int) -> bool:
    return len(await dead_letters(life)) == count


async def test_the_agent_takes_raw_messages_and_refreshes(life: Life, agent: Any) -> None:
    ada = await life.somebody()
    await life.happens(ada)
    for raw in await life.messages():
        await agent.put(raw, wait=False)
    await until(lambda: all_is_consumed(life))

    assert await read_tiles(life.redis, ada) == await life.tiles_of_log(ada)


async def test_what_comes_together_is_handled_together(life: Life) -> None:
    sizes: list[int] = []

    class Counting(MessageHandler):
        async def handle(self, batch: Sequence[object]) -> None:
            sizes.append(len(batch))
            await asyncio.sleep(0.02)

    app = create_app(load_settings(kafka_bootstrap="nowhere:9092"))
    handler = Counting(life.refresher, life.pool, Progress())
    async with register_agents(app, handler).test_context() as agent:
        for number in range(300):
            await agent.put(str(number).encode(), wait=False)
        await until(lambda: _sum_is(sizes, 300))

    assert len(sizes) < 10


async def test_poison_is_set_aside_and_stops_nobody(life: Life, agent: Any) -> None:
    ada = await life.somebody()
    await life.happens(ada)
    for raw in (b"\xff", b"{}", *(await life.messages()), b"[1, 2]"):
        await agent.put(raw, wait=False)
    await until(lambda: all_is_consumed(life))
    await until(lambda: _are_set_aside(life, 3))

    assert {code for code, _, _ in await dead_letters(life)} == {"undecodable"}
    announced = await life.rows(
        "select body ->> 'reason_code' from raw.outbox where topic like '%%rejected%%'"
    )
    assert announced == [("undecodable",)] * 3
    assert await read_tiles(life.redis, ada) == await life.tiles_of_log(ada)


async def test_only_the_day_that_cannot_be_computed_becomes_a_dead_letter(life: Life) -> None:
    ada, bob = await life.somebody(), await life.somebody()
    await life.happens(ada, days_ago=1)
    await life.happens(ada, type="energy.rated", payload={"energy": 3})
    await life.happens(bob)
    handler = MessageHandler(Troubled(life, poison="energy.rated"), life.pool, Progress())
    await handler.handle(await life.messages())

    assert await dead_letters(life) == [("effect_failed", "its effect failed: ZeroDivisionError", ada)]
    assert await read_tiles(life.redis, bob) == await life.tiles_of_log(bob)
    assert await life.messages() == []


async def test_a_service_that_is_away_is_waited_for_and_costs_no_message(life: Life) -> None:
    ada = await life.somebody()
    await life.happens(ada)
    away = (RedisAwayError("refused"), psycopg.OperationalError("gone"), ConnectionResetError())
    handler = MessageHandler(Troubled(life, *away), life.pool, Progress())
    await handler.handle(await life.messages())

    assert await dead_letters(life) == []
    assert await read_tiles(life.redis, ada) == await life.tiles_of_log(ada)
