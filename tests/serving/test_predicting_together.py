"""Those who ask for a prediction at the same time are predicted for together, and nobody's is another's matter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
import redis.asyncio

from aurora.features.live import tiles_key
from aurora.features.packing import week_of
from aurora.settings import Settings
from serving.app import create_app
from tests.serving.conftest import Account, an_event, log_in, quick, running
from tests.serving.streamed import stream


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with running(create_app(settings, quick())) as client:
        yield client


async def rated(api: httpx.AsyncClient, who: Account, energy: float) -> None:
    at = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    events = [an_event(started_at=at, payload={"energy": energy})]
    answer = await api.post("/api/v1/events/batch", json={"events": events}, headers=who.headers)
    assert answer.json()["counts"] == {"accepted": 1}


async def ask(api: httpx.AsyncClient, target: str, who: Account) -> httpx.Response:
    return await api.get(f"/api/v1/predictions/{target}", headers=who.headers)


def rows_of(url: str, people: list[Account]) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "select user_id::text, model_name, value, xmin::text from predictions.predictions"
            " where user_id = any(%s::uuid[]) order by value, model_name",
            ([who.user_id for who in people],),
        ).fetchall()


async def test_each_of_many_gets_what_is_known_of_them(
    api: httpx.AsyncClient, settings: Settings, api_database: str
) -> None:
    zones = ("Pacific/Kiritimati", "Europe/Oslo", "Pacific/Pago_Pago")
    people = [await log_in(api, tz=zone) for zone in zones for _ in range(4)]
    for number, who in enumerate(people):
        await rated(api, who, number / 2)
    for who in people[::2]:  # of the others the streams have seen nothing
        await stream(settings, api_database, who)

    answers = await asyncio.gather(*(ask(api, "energy", who) for who in people), ask(api, "mood", people[0]))

    assert [answer.json()["value"] for answer in answers[:-1]] == [
        number / 2 for number in range(len(people))
    ]
    assert answers[-1].json()["model_source"] == "none"
    stored = rows_of(api_database, people)
    assert [(user, value) for user, model, value, _ in stored if model == "energy"] == [
        (who.user_id, number / 2) for number, who in enumerate(people)
    ]
    assert len({transaction for *_, transaction in stored}) < len(people), "each was predicted for alone"


async def test_whose_tiles_are_damaged_keeps_nobody_else_from_their_answer(
    api: httpx.AsyncClient, settings: Settings, api_database: str
) -> None:
    people = [await log_in(api) for _ in range(5)]
    for number, who in enumerate(people):
        await rated(api, who, float(number))
        await stream(settings, api_database, who)
    damaged, no_tiles = people[2], bytes([0, 0, 2, 0xFF, 0x7F])
    async with redis.asyncio.Redis.from_url(settings.redis_url) as client:
        key = tiles_key(UUID(damaged.user_id))
        await client.hset(key, week_of(datetime.now(UTC).date()), no_tiles)  # type: ignore[misc]  # the client's types say it may be no coroutine

    answers = await asyncio.gather(*(ask(api, "energy", who) for who in people))

    assert [answer.status_code for answer in answers] == [200, 200, 500, 200, 200]
    assert [answer.json()["value"] for answer in answers if answer.is_success] == [0.0, 1.0, 3.0, 4.0]
    assert [value for _, _, value, _ in rows_of(api_database, people)] == [0.0, 1.0, 3.0, 4.0]
