"""Reading from a real streaming standby: quicker for the primary, and never behind what one has just written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from aurora.settings import Settings
from serving.app import create_app
from serving.replica import Replica
from tests.serving.conftest import NOWHERE, Account, an_event, log_in, quick, running
from tests.serving.live_server import until
from tests.serving.standby import Pair, streaming

OWN_WRITES_SECONDS = 2.0
EVENTS = "/api/v1/events"


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with streaming() as pair:
        yield pair


@pytest.fixture
def both(settings: Settings, pair: Pair) -> Settings:
    return settings.model_copy(
        update={"postgres_url": pair.primary_url, "postgres_replica_url": pair.standby_url}
    )


def an_app(settings: Settings) -> FastAPI:
    return create_app(settings, quick(own_writes_seconds=OWN_WRITES_SECONDS))


@pytest.fixture
async def world(both: Settings) -> AsyncIterator[tuple[httpx.AsyncClient, Replica]]:
    app = an_app(both)
    async with running(app) as client:
        replica: Replica = app.state.resources.replica
        await until(lambda: replica.is_usable)
        yield client, replica


async def reads_from_standby(replica: Replica, user_id: UUID) -> bool:
    async with replica.reading(user_id) as connection:
        row = await (await connection.execute("select pg_is_in_recovery()")).fetchone()
    return bool(row and row[0])


async def until_read_from(replica: Replica, user_id: UUID, *, standby: bool) -> None:
    async with asyncio.timeout(20):
        while await reads_from_standby(replica, user_id) is not standby:
            pass


async def events_of(client: httpx.AsyncClient, account: Account) -> list[str]:
    answer = await client.get(EVENTS, headers=account.headers)
    assert answer.status_code == 200, answer.text
    return [event["event_id"] for event in answer.json()["items"]]


async def test_who_has_not_written_lately_reads_from_the_standby(
    world: tuple[httpx.AsyncClient, Replica],
) -> None:
    _, replica = world

    assert await reads_from_standby(replica, uuid4())


async def test_nobody_misses_what_they_have_just_written_however_far_behind_the_standby_is(
    world: tuple[httpx.AsyncClient, Replica], pair: Pair
) -> None:
    client, _ = world
    ada = await log_in(client)
    pair.on_standby("select pg_wal_replay_pause()")
    try:
        for _ in range(3):
            event = an_event()
            assert (await client.post(EVENTS, json=event, headers=ada.headers)).status_code == 201
            assert event["event_id"] in await events_of(client, ada)
    finally:
        pair.on_standby("select pg_wal_replay_resume()")


async def test_another_worker_knows_who_has_written(
    world: tuple[httpx.AsyncClient, Replica], both: Settings
) -> None:
    client, _ = world
    ada = await log_in(client)
    other = an_app(both)
    async with running(other):
        await until(lambda: other.state.resources.replica.is_usable)
        await client.post(EVENTS, json=an_event(), headers=ada.headers)

        assert not await reads_from_standby(other.state.resources.replica, UUID(ada.user_id))


async def test_some_seconds_after_a_write_the_standby_tells_of_it(
    world: tuple[httpx.AsyncClient, Replica],
) -> None:
    client, replica = world
    ada, event = await log_in(client), an_event()
    await client.post(EVENTS, json=event, headers=ada.headers)

    await until_read_from(replica, UUID(ada.user_id), standby=True)

    assert await events_of(client, ada) == [event["event_id"]]


async def test_a_standby_that_lies_too_far_behind_is_left_until_it_has_caught_up(
    world: tuple[httpx.AsyncClient, Replica], pair: Pair
) -> None:
    client, replica = world
    pair.on_standby("select pg_wal_replay_pause()")
    try:
        await log_in(client)
        await until_read_from(replica, uuid4(), standby=False)
    finally:
        pair.on_standby("select pg_wal_replay_resume()")

    await until_read_from(replica, uuid4(), standby=True)


async def test_a_standby_that_dies_harms_nobody_and_is_used_again_when_it_is_back(
    world: tuple[httpx.AsyncClient, Replica], pair: Pair
) -> None:
    client, replica = world
    ada = await log_in(client)
    await until_read_from(replica, UUID(ada.user_id), standby=True)

    await asyncio.to_thread(pair.standby.stop)
    try:
        assert [(await client.get(EVENTS, headers=ada.headers)).status_code for _ in range(3)] == 3 * [200]
        assert not await reads_from_standby(replica, uuid4())
    finally:
        await asyncio.to_thread(pair.standby.start)

    await until_read_from(replica, uuid4(), standby=True)


async def test_without_redis_nobody_can_know_who_wrote_so_all_read_from_the_primary(both: Settings) -> None:
    app = an_app(both.model_copy(update={"redis_url": NOWHERE}))
    async with running(app):
        await until(lambda: app.state.resources.replica.is_usable)

        assert not await reads_from_standby(app.state.resources.replica, uuid4())


async def test_nothing_can_be_written_by_way_of_reading(world: tuple[httpx.AsyncClient, Replica]) -> None:
    _, replica = world
    async with replica.reading(uuid4()) as connection:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            await connection.execute("update app.users set tz = 'UTC'")


async def test_without_a_standby_all_is_as_it_was(client: httpx.AsyncClient, ada: Account) -> None:
    event = an_event()
    await client.post(EVENTS, json=event, headers=ada.headers)

    assert await events_of(client, ada) == [event["event_id"]]
