"""From notices to deliveries: nothing is skipped, nothing is written twice, and what is lost is said to be."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import orjson
import psycopg

from aurora.notices.log import Written
from aurora.notices.messages import Subject
from serving.webhooks.queueing import MOST_NOTICES, Behind, next_step, queue_deliveries
from tests.serving.live_server import numbered
from tests.serving.webhooks.conftest import World
from tests.serving.webhooks.receiver import Receiver

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


def a_webhook(position: int, head: int, epoch: str = "aaaa", head_epoch: str = "aaaa") -> Behind:
    return Behind(uuid4(), uuid4(), ["insights.made"], epoch, position, head_epoch, head)


def told(*positions: int, subject: Subject = "insights") -> list[Written]:
    return [Written(uuid4(), "aaaa", position, subject, '{"x": 1}', NOW) for position in positions]


def types_of(deliveries: Any) -> list[str]:
    return [delivery["type"] for delivery in deliveries]


def test_what_was_told_becomes_deliveries_and_the_position_moves_to_its_end() -> None:
    step = next_step(a_webhook(4, head=6), told(5, 6), NOW)

    assert [delivery["position"] for delivery in step.deliveries] == [5, 6]
    assert (step.epoch, step.position) == ("aaaa", 6)
    message = orjson.loads(orjson.dumps(step.deliveries[0]["body"]))
    assert message == {
        "type": "insights.made",
        "timestamp": "2026-11-25T09:30:00+00:00",
        "position": 5,
        "data": {"x": 1},
    }


def test_what_nobody_subscribed_to_moves_the_position_and_is_not_written() -> None:
    step = next_step(a_webhook(4, head=5), told(5, subject="scores"), NOW)

    assert (list(step.deliveries), step.position) == ([], 5)


def test_the_first_notice_ever_is_no_interruption() -> None:
    step = next_step(a_webhook(0, head=1, epoch=""), told(1), NOW)

    assert types_of(step.deliveries) == ["insights.made"]


def test_notices_that_are_not_kept_any_more_are_said_to_be_missing() -> None:
    some = next_step(a_webhook(4, head=9), told(8, 9), NOW)
    none = next_step(a_webhook(4, head=9), [], NOW)

    assert types_of(some.deliveries) == ["webhook.interrupted", "insights.made", "insights.made"]
    assert types_of(none.deliveries) == ["webhook.interrupted"]
    assert (some.position, none.position) == (9, 9)
    assert orjson.loads(orjson.dumps(none.deliveries[0]["body"]))["data"]["reason"] == "too-old"


def test_a_log_that_was_begun_anew_is_said_to_be_and_read_from_its_beginning() -> None:
    behind = a_webhook(40, head=1, epoch="bbbb")
    step = next_step(behind, told(1), NOW)

    assert behind.start == 0
    assert types_of(step.deliveries) == ["webhook.interrupted", "insights.made"]
    assert (step.epoch, step.position) == ("aaaa", 1)


async def queue_all(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        while await queue_deliveries(connection):
            await connection.commit()


async def test_processes_at_the_same_time_skip_nothing_and_write_nothing_twice(
    world: World, receiver: Receiver
) -> None:
    webhooks = [await world.subscribe(receiver, path=f"/{number}") for number in range(4)]
    done = asyncio.Event()

    async def queue_until_done() -> None:
        while not done.is_set():
            await queue_all(world.jobs_url)

    queueing = [asyncio.create_task(queue_until_done()) for _ in range(3)]
    for number in range(25):
        await world.teller.tell(world.ada.user_id, numbered(number), numbered(number), knocks=False)
    done.set()
    await asyncio.gather(*queueing)
    await queue_all(world.jobs_url)

    for webhook in webhooks:
        rows = world.rows(
            "select position from app.webhook_deliveries where webhook_id = %s order by position",
            webhook["webhook_id"],
        )
        assert [row["position"] for row in rows] == list(range(1, 51))


async def test_what_was_rolled_back_is_written_by_the_next(world: World, receiver: Receiver) -> None:
    await world.subscribe(receiver)
    await world.teller.tell(world.ada.user_id, numbered(1), knocks=False)
    async with await psycopg.AsyncConnection.connect(world.jobs_url) as connection:
        assert await queue_deliveries(connection)
        await connection.rollback()

    await queue_all(world.jobs_url)

    assert world.rows("select position from app.webhook_deliveries") == [{"position": 1}]


async def test_a_long_absence_is_caught_up_with_in_parts(world: World, receiver: Receiver) -> None:
    await world.subscribe(receiver)
    many = [numbered(number) for number in range(MOST_NOTICES + 10)]
    await world.teller.tell(world.ada.user_id, *many, knocks=False)

    await queue_all(world.jobs_url)

    found = world.rows("select count(*), max(position) from app.webhook_deliveries")
    assert found == [{"count": len(many), "max": len(many)}]


async def test_the_loss_of_notices_is_told_to_webhooks_of_every_type(
    world: World, receiver: Receiver
) -> None:
    await world.subscribe(receiver, "scores.changed")
    await world.teller.tell(world.ada.user_id, numbered(1), knocks=False)
    world.rows("delete from app.notices")

    await queue_all(world.jobs_url)

    assert world.rows("select type, position from app.webhook_deliveries") == [
        {"type": "webhook.interrupted", "position": None}
    ]
