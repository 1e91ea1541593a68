"""The log of notices: one line a person, in the order of commits, without a gap."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import psycopg
import pytest
from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis

from aurora.notices.knocks import channel_of, knock, user_of
from aurora.notices.log import Head, append, oldest_position, read_after, read_changed, read_heads
from aurora.notices.messages import InsightsNotice, Notice, PredictionNotice, prediction_notice
from aurora.predictions.prediction import Prediction, Reason

Connection = psycopg.AsyncConnection
MOMENT = {"as_of": datetime(2026, 11, 25, 9, 30, tzinfo=UTC), "local_date": date(2026, 11, 25)}


def numbered(number: int) -> InsightsNotice:
    return InsightsNotice(**MOMENT, insight_ids=[UUID(int=number)])


async def test_positions_of_each_line_count_from_one(database: Connection) -> None:
    ada, bo = uuid4(), uuid4()
    first = await append(database, [(ada, numbered(1)), (bo, numbered(2)), (ada, numbered(3))])
    second = await append(database, [(ada, numbered(4))])

    assert {head.user_id: head.position for head in first} == {ada: 2, bo: 1}
    assert second == [Head(ada, next(head.epoch for head in first if head.user_id == ada), 3)]
    assert await append(database, []) == []


async def test_what_was_told_is_read_in_order_and_as_it_was_written(database: Connection) -> None:
    ada, bo = uuid4(), uuid4()
    notices = [numbered(number) for number in range(5)]
    await append(database, [(ada, notice) for notice in notices])
    await append(database, [(bo, numbered(9))])
    read = await read_after(database, {ada: 1, bo: 0, uuid4(): 0}, most=3)

    hers = [written for written in read if written.user_id == ada]
    assert [written.position for written in hers] == [2, 3, 4]
    kinds = TypeAdapter(Notice)
    assert [kinds.validate_json(written.body) for written in hers] == notices[1:4]
    assert [written.position for written in read if written.user_id == bo] == [1]


async def test_only_lines_that_have_moved_are_reported(database: Connection) -> None:
    ada, bo, eve = uuid4(), uuid4(), uuid4()
    heads = await append(database, [(ada, numbered(1)), (bo, numbered(1)), (eve, numbered(1))])
    await append(database, [(ada, numbered(2))])
    known = [head if head.user_id != eve else Head(eve, "another!", 1) for head in heads]
    changed = await read_changed(database, known)

    assert {head.user_id for head in changed} == {ada, eve}
    assert await read_heads(database, [uuid4()]) == {}
    assert await oldest_position(database, ada) == 1
    assert await oldest_position(database, uuid4()) is None


async def test_a_later_position_is_never_seen_before_an_earlier_one(committed_database: str) -> None:
    """Writers that overlap, commit in any order or not at all; a reader that never finds a hole."""
    people = [uuid4() for _ in range(3)]
    chance = random.Random(1)  # noqa: S311  # no secret
    seen = dict.fromkeys(people, 0)
    is_over = asyncio.Event()

    async def write() -> None:
        async with await psycopg.AsyncConnection.connect(committed_database) as connection:
            for _ in range(40):
                whom = chance.sample(people, chance.randrange(1, 4))
                await append(connection, [(user_id, numbered(0)) for user_id in whom])
                await asyncio.sleep(chance.random() * 0.01)
                await (connection.rollback() if chance.random() < 0.3 else connection.commit())

    async def read() -> None:
        async with await psycopg.AsyncConnection.connect(committed_database, autocommit=True) as connection:
            while True:
                was_over = is_over.is_set()
                for written in await read_after(connection, seen, most=1000):
                    assert written.position == seen[written.user_id] + 1
                    seen[written.user_id] = written.position
                if was_over:
                    return
                await asyncio.sleep(0)

    reader = asyncio.create_task(read())
    await asyncio.gather(*(write() for _ in range(4)))
    is_over.set()
    await reader

    async with await psycopg.AsyncConnection.connect(committed_database) as connection:
        heads = await read_heads(connection, people)
    assert {user_id: head.position for user_id, head in heads.items()} == seen
    assert sum(seen.values()) > 100


async def test_a_knock_says_who_and_how_far(redis_url: str) -> None:
    ada = uuid4()
    async with Redis.from_url(redis_url) as redis, redis.pubsub(ignore_subscribe_messages=True) as heard:
        await heard.subscribe(channel_of(ada))
        await heard.get_message(timeout=1)
        await knock(redis, [Head(ada, "0a0b0c0d", 7)])
        message = await heard.get_message(timeout=2)

    assert message is not None
    assert (user_of(message["channel"].decode()), message["data"]) == (ada, b"7")


async def test_without_redis_nobody_is_harmed_by_knocking() -> None:
    async with Redis.from_url("redis://127.0.0.1:1/0") as nowhere:
        await knock(nowhere, [Head(uuid4(), "0a0b0c0d", 7)])


def test_a_notice_of_a_prediction_holds_all_of_it() -> None:
    reason = Reason("hour_of_day", 9.5, "h", 0.2, "It is morning.")
    prediction = Prediction(
        "mood", "3", "model", 0.2, -0.4, 0.7, 0.1, "user_mean", "positive", {"positive": 0.7}, (reason,)
    )
    body = prediction.as_json()
    notice = prediction_notice({**body, **MOMENT})

    told = notice.model_dump(by_alias=True, exclude={"subject", *MOMENT})
    assert told == body
    assert set(PredictionNotice.model_json_schema()["required"]) == {*body, *MOMENT}


def test_a_field_that_nobody_described_is_refused() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Notice).validate_python({**MOMENT, "subject": "insights", "insight_ids": [], "x": 1})
