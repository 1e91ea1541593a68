"""Live state: what the log says at an instant, and what Redis holds of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from redis.asyncio import Redis

from aurora.events.storage import store_events
from aurora.features.live import (
    fill,
    live_days,
    put_days,
    read_log,
    read_stored,
    read_tiles,
    tiles_from_log,
    tiles_key,
)
from aurora.features.tiles import Tile
from tests.aurora.events.received import NOW, USER, a_received_mood, a_received_night, accepted

Connection = psycopg.AsyncConnection[Any]

TODAY = date(2026, 3, 30)
SINCE = date(2026, 3, 3)
EVENT_ID = "7f000001-0000-4000-8000-00000000000e"
A_TILE = Tile(1, 400, 160_000, 400, 400, 400, datetime(2026, 3, 30, 7, tzinfo=UTC))


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


async def remember(database: Connection, *, received_at: datetime = NOW, **changes: Any) -> None:
    event = accepted(a_received_mood(**{"event_id": EVENT_ID, **changes}), received_at=received_at)
    assert await store_events(database, [event]) == ["accepted"]


async def moods(database: Connection, as_of: datetime, days: list[date] | None = None) -> list[float]:
    found = await read_log(database, USER, days or live_days(TODAY), as_of)
    return [event.payload["valence"] for event in found]


async def test_an_event_is_seen_from_the_instant_it_became_known(database: Connection) -> None:
    await remember(database)

    assert await moods(database, NOW) == [0.4]
    assert await moods(database, NOW - timedelta(microseconds=1)) == []


async def test_a_correction_replaces_the_event_only_from_when_it_was_known(database: Connection) -> None:
    await remember(database)
    later = NOW + timedelta(hours=1)
    await remember(database, version=2, payload={"valence": -0.5}, received_at=later)

    assert await moods(database, NOW) == [0.4]
    assert await moods(database, later) == [-0.5]


async def test_a_deleted_event_was_there_before_it_was_deleted(database: Connection) -> None:
    await remember(database)
    later = NOW + timedelta(hours=1)
    await remember(database, version=2, is_deleted=True, received_at=later)

    assert await moods(database, NOW) == [0.4]
    assert await moods(database, later) == []


async def test_an_event_that_was_moved_to_another_day_has_left_the_first(database: Connection) -> None:
    await remember(database, started_at="2026-02-27T09:00:00+01:00")
    await remember(database, version=2, started_at="2026-03-29T09:00:00+02:00")

    assert await moods(database, NOW, [date(2026, 2, 27)]) == []
    assert await moods(database, NOW, [date(2026, 3, 29)]) == [0.4]


async def test_a_late_old_version_does_not_bring_back_what_was_corrected(database: Connection) -> None:
    await remember(database, version=2, payload={"valence": -0.5})
    event = accepted(a_received_mood(event_id=EVENT_ID), received_at=NOW + timedelta(hours=1))
    assert await store_events(database, [event]) == ["superseded"]

    assert await moods(database, NOW + timedelta(hours=2)) == [-0.5]


async def test_tiles_from_the_log_cover_28_local_days(database: Connection) -> None:
    for number, day in enumerate(("2026-03-30", "2026-03-03", "2026-03-02")):
        await remember(database, event_id=EVENT_ID[:-1] + str(number), started_at=f"{day}T09:00:00+01:00")

    tiles = await tiles_from_log(database, USER, TODAY, NOW)

    assert set(tiles) == {date(2026, 3, 30), date(2026, 3, 3)}
    assert len(live_days(TODAY)) == 28


async def test_a_night_that_began_last_month_is_found_on_its_day_of_waking(database: Connection) -> None:
    night = a_received_night(started_at="2026-02-28T23:30:00+01:00", ended_at="2026-03-01T07:00:00+01:00")
    await store_events(database, [accepted(night)])

    found = await read_log(database, USER, [date(2026, 3, 1)], NOW)

    assert [event.local_date for event in found] == [date(2026, 3, 1)]


async def test_another_persons_events_are_not_seen(database: Connection) -> None:
    await store_events(database, [accepted(a_received_mood(), user_id=USER.__class__(int=1))])

    assert await moods(database, NOW) == []


async def test_redis_gives_back_what_it_was_filled_with(redis: Redis) -> None:
    tiles = {TODAY: {"mood": A_TILE}, TODAY - timedelta(days=1): {"energy": A_TILE}}

    await fill(redis, USER, tiles, since=SINCE)

    assert await read_tiles(redis, USER) == tiles
    assert 0 < await redis.ttl(tiles_key(USER)) <= 30 * 86_400


async def test_a_person_without_any_day_is_known_to_have_none(redis: Redis) -> None:
    assert await read_tiles(redis, USER) is None

    await fill(redis, USER, {}, since=SINCE)

    assert await read_tiles(redis, USER) == {}


async def test_tiles_that_were_packed_in_another_way_are_as_good_as_not_there(redis: Redis) -> None:
    await fill(redis, USER, {TODAY: {"mood": A_TILE}}, since=SINCE)
    before = {"filled": b"2026-03-30", "2026-03-30": b"what an earlier release wrote"}
    await redis.hset(tiles_key(USER), mapping=before)  # pyright: ignore[reportGeneralTypeIssues,reportArgumentType]
    assert await read_tiles(redis, USER) is None

    await fill(redis, USER, {TODAY: {"mood": A_TILE}}, since=SINCE)

    assert await read_tiles(redis, USER) == {TODAY: {"mood": A_TILE}}


async def replace_days(redis: Redis, days: dict[date, dict[str, Tile]], *, since: date = SINCE) -> None:
    stored = (await read_stored(redis, {USER: [since, *days]}))[USER]
    assert stored is not None
    async with redis.pipeline() as pipe:
        put_days(pipe, USER, days, stored, since=since)
        await pipe.execute()


async def test_a_day_whose_last_event_is_gone_is_removed_and_the_others_stay(redis: Redis) -> None:
    yesterday = TODAY - timedelta(days=1)
    await fill(redis, USER, {TODAY: {"mood": A_TILE}, yesterday: {"mood": A_TILE}}, since=SINCE)

    await replace_days(redis, {TODAY: {}})

    assert await read_tiles(redis, USER) == {yesterday: {"mood": A_TILE}}


async def test_days_that_left_the_window_are_dropped_when_it_moves(redis: Redis) -> None:
    every_day = {SINCE + timedelta(days=number): {"mood": A_TILE} for number in range(28)}
    await fill(redis, USER, every_day, since=SINCE)

    moved = SINCE + timedelta(days=17)
    await replace_days(redis, {TODAY + timedelta(days=17): {"energy": A_TILE}}, since=moved)

    found = await read_tiles(redis, USER)
    assert found is not None
    assert min(found) == moved
    assert len(found) == 12
