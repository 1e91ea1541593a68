"""From messages to live state: tiles, predictions and messages, each with an exactly-once effect."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisAwayError

from aurora import clock
from aurora.features.live import fill, read_tiles
from aurora.kept_answers import look_up
from aurora.models.catalogue import MODELS
from aurora.predictions.artifact import digest
from aurora.predictions.champions import Champions
from aurora.predictions.kept import prediction_place
from streams.features import live_tiles
from streams.features.refresher import Refresher
from tests.aurora.models.people import an_energy_artifact
from tests.fixtures.kept import put
from tests.streams.conftest import Life, json_of, today


async def test_an_event_changes_the_tiles_of_its_day(life: Life) -> None:
    ada = await life.somebody()
    await life.happens(ada)
    await life.refresh()

    tiles = await read_tiles(life.redis, ada)
    assert tiles is not None
    assert tiles == await life.tiles_of_log(ada)
    assert tiles[today()]["mood"].n == 1


async def test_a_person_without_tiles_is_filled_whole(life: Life) -> None:
    ada = await life.somebody()
    for days_ago in (0, 5, 27):
        await life.happens(ada, days_ago=days_ago)
    await life.refresher.refresh((await life.touches())[:1])

    tiles = await read_tiles(life.redis, ada)
    assert tiles is not None
    assert len(tiles) == 3
    assert tiles == await life.tiles_of_log(ada)


async def test_redis_that_was_wiped_is_filled_at_the_next_touch(life: Life, redis: Redis) -> None:
    ada = await life.somebody()
    await life.happens(ada, days_ago=3)
    await life.refresh()
    await redis.flushdb()
    await life.happens(ada)
    await life.refresh()

    assert await read_tiles(redis, ada) == await life.tiles_of_log(ada)


async def test_many_people_are_filled_in_parts_that_fit_in_memory(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    real = live_tiles.read_logs

    async def counted(connection: Any, days: Mapping[UUID, Collection[date]], as_of: datetime) -> Any:
        asked.append(sum(map(len, days.values())))
        return await real(connection, days, as_of)

    monkeypatch.setattr(live_tiles, "read_logs", counted)
    monkeypatch.setattr(live_tiles, "DAYS_AT_ONCE", 65)
    people = [await life.somebody() for _ in range(3)]
    for user_id in people:
        await life.happens(user_id, days_ago=3)
        await life.happens(user_id)
    await life.refresh()

    assert asked == [60, 30]
    for user_id in people:
        assert await read_tiles(life.redis, user_id) == await life.tiles_of_log(user_id)


async def test_a_correction_that_moves_an_event_changes_the_day_it_leaves_as_well(life: Life) -> None:
    ada = await life.somebody()
    event_id = await life.happens(ada, days_ago=2)
    await life.refresh()
    await life.happens(ada, event_id=event_id, version=2, days_ago=1)
    await life.refresh()

    tiles = await read_tiles(life.redis, ada)
    assert tiles is not None
    assert list(tiles) == [today() - timedelta(days=1)]


async def test_a_deleted_event_leaves_no_tile(life: Life) -> None:
    ada = await life.somebody()
    event_id = await life.happens(ada)
    await life.refresh()
    await life.happens(ada, event_id=event_id, version=2, is_deleted=True)
    await life.refresh()

    assert await read_tiles(life.redis, ada) == {}


async def test_days_that_left_the_window_are_forgotten(life: Life, redis: Redis) -> None:
    ada = await life.somebody()
    await life.happens(ada)
    await life.refresh()
    [tiles] = (await life.tiles_of_log(ada)).values()
    before = {today() - timedelta(days=days): {"mood": tiles["mood"]} for days in (1, 27, 28, 29, 40)}
    await fill(redis, ada, before, since=today() - timedelta(days=40))
    await life.happens(ada)
    await life.happens(ada, days_ago=41)
    await life.refresh()

    tiles = await read_tiles(redis, ada)
    assert tiles is not None
    assert sorted(tiles) == [today() - timedelta(days=days) for days in (27, 1, 0)]


async def test_what_lies_ahead_counts_from_then_on(life: Life) -> None:
    ada = await life.somebody()
    in_a_second = (clock.now() + timedelta(seconds=0.8)).isoformat()
    await life.happens(ada, started_at=in_a_second)
    await life.refresh()
    before = await read_tiles(life.redis, ada)
    [(seconds,)] = await life.rows(
        "select extract(epoch from due_at - clock_timestamp())::float8 from raw.outbox"
        " where consumed_at is null"
    )
    await life.rows("select pg_sleep(%s)", max(seconds, 0) + 0.05)
    await life.refresh()

    after = await read_tiles(life.redis, ada)
    assert before == {}
    assert after is not None
    assert after[today()]["mood"].n == 1


async def test_for_who_listens_every_model_predicts_and_it_is_stored_cached_and_told(
    life: Life, redis: Redis
) -> None:
    ada = await life.somebody()
    await life.happens(ada, type="energy.rated", payload={"energy": 7})
    async with life.listening(ada) as heard:
        await life.refresh()
        knock = await heard.get_message(timeout=2)
    told = [body for (body,) in await life.rows("select body from app.notices order by position")]

    stored = await life.rows(
        "select model_name, value, model_source, origin from predictions.predictions order by model_name"
    )
    assert stored == [("energy", 7.0, "baseline", "live"), ("mood", None, "none", "live")]
    for model in MODELS:
        place = prediction_place(ada, model)
        kept = json_of((await look_up(redis, place, b"none")).body)
        assert (kept["target"], kept["local_date"]) == (model, today().isoformat())
        assert 0 < await redis.ttl(place.key) <= 300
    assert [notice["subject"] for notice in told] == ["events", "predictions", "predictions", "scores"]
    assert knock is not None
    assert knock["data"] == b"4"
    assert [event["type"] for event in told[0]["events"]] == ["energy.rated"]
    assert {entry["name"]: entry["score"] for entry in told[3]["scores"]}["energy"] == 70


async def test_for_who_does_not_listen_the_old_prediction_is_forgotten_and_none_is_made(life: Life) -> None:
    ada = await life.somebody()
    place = prediction_place(ada, "energy")
    await put(life.redis, place, b"what was said before")
    await life.happens(ada, type="energy.rated", payload={"energy": 7})
    await life.refresh()

    assert (await look_up(life.redis, place)).body is None
    assert await life.rows("select count(*) from predictions.predictions") == [(0,)]
    assert await read_tiles(life.redis, ada) == await life.tiles_of_log(ada)


async def test_a_message_that_comes_twice_has_one_effect(life: Life) -> None:
    ada = await life.somebody()
    await life.happens(ada)
    touches = await life.touches()
    async with life.listening(ada):
        for _ in range(3):
            await life.refresher.refresh(touches)

    assert await life.rows("select count(*) from predictions.predictions") == [(len(MODELS),)]
    assert await life.rows("select count(*) from raw.outbox where consumed_at is null") == [(0,)]
    assert await life.rows("select count(*) from app.notices where subject = 'events'") == [(1,)]


async def test_when_redis_fails_nothing_counts_as_consumed(life: Life) -> None:
    ada = await life.somebody()
    await life.happens(ada)
    async with Redis.from_url("redis://127.0.0.1:1/0") as nowhere:
        broken = Refresher(life.pool, nowhere, Champions(life.url, threads=1))
        with pytest.raises(RedisAwayError):
            await broken.refresh(await life.touches())

    assert await life.rows("select count(*) from predictions.predictions") == [(0,)]
    assert len(await life.touches()) == 1


async def test_somebody_who_was_erased_loses_their_tiles_and_holds_nobody_up(life: Life) -> None:
    ada, bob = await life.somebody(), await life.somebody()
    for user_id in (ada, bob):
        await life.happens(user_id)
    await life.refresh()
    await life.execute("delete from app.users where user_id = %s", ada)
    for user_id in (ada, bob, uuid4()):
        await life.happens(user_id)
    await life.refresh()

    assert await read_tiles(life.redis, ada) is None
    assert await read_tiles(life.redis, bob) == await life.tiles_of_log(bob)
    assert await life.touches() == []


async def test_a_day_that_cannot_be_computed_is_set_aside_and_the_others_have_their_effect(
    life: Life,
) -> None:
    ada, bob = await life.somebody(), await life.somebody()
    await life.happens(ada, days_ago=1)
    await life.refresh()
    broken = await life.happens(ada, damaged={"valence": "fine, thanks"})
    await life.happens(ada, days_ago=2)
    await life.happens(bob)
    await life.refresh()

    letters = "select reason_code, user_id, body::jsonb ->> 'event_id' from raw.rejected_events"
    assert await life.rows(letters) == [("effect_failed", ada, str(broken))]
    assert await life.touches() == []
    assert await read_tiles(life.redis, bob) == await life.tiles_of_log(bob)
    tiles = await read_tiles(life.redis, ada)
    assert tiles is not None
    assert sorted(tiles) == [today() - timedelta(days=days) for days in (2, 1)]


async def test_the_champion_of_the_persons_cohort_answers_and_is_replaced_while_running(life: Life) -> None:
    ada, eve = await life.somebody(), await life.somebody(cohort="simulated")
    champions = Champions(life.url, threads=1)
    refresher = Refresher(life.pool, life.redis, champions)
    for user_id in (ada, eve):
        await life.happens(user_id, type="energy.rated", payload={"energy": 7})
    async with life.listening(ada), life.listening(eve):
        await refresher.refresh(await life.touches())
    await _publish(life, "1")
    await champions.refresh("energy")
    for user_id in (ada, eve):
        await life.happens(user_id, type="energy.rated", payload={"energy": 6})
    async with life.listening(ada), life.listening(eve):
        await refresher.refresh(await life.touches())

    kept = [
        json_of((await look_up(life.redis, prediction_place(user_id, "energy"), version)).body)
        for user_id, version in ((ada, b"1"), (eve, b"none"))
    ]
    assert [(answer["model_source"], answer["model_version"]) for answer in kept] == [
        ("model", "1"),
        ("baseline", None),
    ]


async def _publish(life: Life, version: str) -> None:
    artifact = an_energy_artifact()
    await life.execute(
        "insert into predictions.model_artifacts (model_name, model_version, artifact, sha256, metadata)"
        " values ('energy', %s, %s, %s, '{}')",
        version, artifact, digest(artifact),
    )  # fmt: skip
    await life.execute(
        "insert into predictions.model_aliases (model_name, alias, model_version)"
        " values ('energy', 'champion', %s)",
        version,
    )
