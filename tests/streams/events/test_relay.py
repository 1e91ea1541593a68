"""The relay over a real Postgres and a Kafka-protocol broker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from aurora.topics import EVENTS_ACCEPTED, PARTITIONS
from infra.embedded.broker import EmbeddedBroker
from streams.events import relay as relay_module
from streams.events.outbox import OutboxRow, mark_published
from streams.events.relay import Relay, RelayOptions
from tests.streams.conftest import Life, until

QUICK = RelayOptions(batch=50, poll_seconds=0.05, standby_seconds=0.05, ack_seconds=2)


@asynccontextmanager
async def at_work(life: Life, bootstrap: str, options: RelayOptions = QUICK) -> AsyncIterator[None]:
    task = asyncio.create_task(Relay(life.url, bootstrap, options).run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def announce(life: Life, count: int = 1, *, user_id: UUID | None = None, due: str = "now()") -> None:
    await life.execute(
        "insert into raw.outbox (topic, user_id, body, due_at)"
        f" select %s, %s, jsonb_build_object('number', number), {due} from generate_series(1, %s) as number",
        EVENTS_ACCEPTED, user_id or uuid4(), count,
    )  # fmt: skip


async def published(life: Life) -> int:
    return (await life.rows("select count(*) from raw.outbox where published_at is not null"))[0][0]


async def in_the_broker(bootstrap: str) -> list[Any]:
    """Every message of the topic, each partition in order: (key, body)."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, check_crcs=False, fetch_max_wait_ms=50)
    await consumer.start()
    try:
        partitions = [TopicPartition(EVENTS_ACCEPTED, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        found = []
        while len(found) < sum(ends.values()):
            for records in (await consumer.getmany(timeout_ms=100)).values():
                found += [(_text(record.key), json.loads(_text(record.value))) for record in records]
        return found
    finally:
        await consumer.stop()


async def test_each_row_reaches_the_broker_under_the_key_of_its_person(
    life: Life, kafka_bootstrap: str
) -> None:
    ada, bob = uuid4(), uuid4()
    await announce(life, 120, user_id=ada)
    await announce(life, 30, user_id=bob)
    async with at_work(life, kafka_bootstrap):
        await until(lambda: _equals(published(life), 150))

    messages = await in_the_broker(kafka_bootstrap)
    numbers = {user: [body["number"] for key, body in messages if key == str(user)] for user in (ada, bob)}
    assert numbers == {ada: list(range(1, 121)), bob: list(range(1, 31))}


async def test_positions_follow_the_order_of_publication_and_travel_in_the_message(
    life: Life, kafka_bootstrap: str
) -> None:
    await announce(life, 70)
    async with at_work(life, kafka_bootstrap):
        await until(lambda: _equals(published(life), 70))

    rows = await life.rows("select outbox_id, position from raw.outbox order by outbox_id")
    assert rows == [(outbox_id, number) for number, (outbox_id, _) in enumerate(rows, start=1)]
    assert {(body["outbox_id"], body["position"]) for _, body in await in_the_broker(kafka_bootstrap)} == set(
        rows
    )


async def test_a_row_that_commits_later_is_not_skipped(life: Life, kafka_bootstrap: str) -> None:
    async with await psycopg.AsyncConnection.connect(life.owner_url) as late:
        await late.execute(
            "insert into raw.outbox (topic, user_id, body) values (%s, %s, '{}')", (EVENTS_ACCEPTED, uuid4())
        )
        async with at_work(life, kafka_bootstrap):
            await announce(life)
            await until(lambda: _equals(published(life), 1))
            await late.commit()
            await until(lambda: _equals(published(life), 2))


async def test_a_notification_wakes_the_relay_at_once(life: Life, kafka_bootstrap: str) -> None:
    patient = RelayOptions(poll_seconds=30, standby_seconds=0.05)
    async with at_work(life, kafka_bootstrap, patient):
        await announce(life)
        await asyncio.sleep(0.3)
        await until(lambda: _notified(life, 1), seconds=5)


async def test_death_between_acknowledgement_and_mark_repeats_and_loses_nothing(
    life: Life, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths = iter([psycopg.OperationalError("the server closed the connection")])

    async def mark(connection: Any, rows: list[OutboxRow]) -> None:
        for death in deaths:
            raise death
        await mark_published(connection, rows)

    monkeypatch.setattr(relay_module, "mark_published", mark)
    await announce(life, 3)
    async with at_work(life, kafka_bootstrap):
        await until(lambda: _equals(published(life), 3))

    numbers = [body["number"] for _, body in await in_the_broker(kafka_bootstrap)]
    assert numbers == [1, 2, 3, 1, 2, 3]


async def test_the_relay_outlives_the_loss_of_its_connection(life: Life, kafka_bootstrap: str) -> None:
    async with at_work(life, kafka_bootstrap):
        await announce(life)
        await until(lambda: _equals(published(life), 1))
        await life.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and application_name = 'aurora relay'"
        )
        await announce(life)
        await until(lambda: _equals(published(life), 2))


async def test_what_died_with_a_broker_is_sent_again(life: Life) -> None:
    first, second = EmbeddedBroker(), EmbeddedBroker()
    await announce(life, 5)
    async with at_work(life, first.start()):
        await until(lambda: _equals(published(life), 5))
        await life.execute("update raw.outbox set consumed_at = now() where (body ->> 'number')::int <= 2")
        first.stop()
        await announce(life)
        await asyncio.sleep(0.3)
    address = second.start()
    async with at_work(life, address):
        await until(lambda: _equals(published(life), 6))

    assert sorted(body["number"] for _, body in await in_the_broker(address)) == [1, 3, 4, 5]
    second.stop()


async def test_what_has_no_effect_for_long_is_sent_again_with_its_position(
    life: Life, kafka_bootstrap: str
) -> None:
    impatient = RelayOptions(poll_seconds=0.05, resend_after=timedelta(seconds=0.3))
    await announce(life)
    async with at_work(life, kafka_bootstrap, impatient):
        await asyncio.sleep(1)
        await life.execute("update raw.outbox set consumed_at = now()")

    bodies = [body for _, body in await in_the_broker(kafka_bootstrap)]
    assert len(bodies) >= 2
    assert {body["position"] for body in bodies} == {1}


async def test_of_two_relays_one_works_and_the_other_takes_over(life: Life, kafka_bootstrap: str) -> None:
    async with at_work(life, kafka_bootstrap):
        async with at_work(life, kafka_bootstrap):
            await announce(life, 100)
            await until(lambda: _equals(published(life), 100))
            await life.execute("update raw.outbox set consumed_at = now()")
        await announce(life)
        await until(lambda: _equals(published(life), 101))

    assert len(await in_the_broker(kafka_bootstrap)) == 101


async def test_a_message_is_not_sent_before_it_is_due(life: Life, kafka_bootstrap: str) -> None:
    await announce(life, due="clock_timestamp() + interval '0.6 seconds'")
    async with at_work(life, kafka_bootstrap):
        await asyncio.sleep(0.3)
        assert await published(life) == 0
        await until(lambda: _equals(published(life), 1))


async def test_the_broker_never_holds_more_than_it_can_keep(life: Life, kafka_bootstrap: str) -> None:
    narrow = RelayOptions(most_in_flight=5, poll_seconds=0.05)
    await announce(life, 12)
    async with at_work(life, kafka_bootstrap, narrow):
        await until(lambda: _equals(published(life), 5))
        await asyncio.sleep(0.3)
        assert await published(life) == 5
        await life.execute("update raw.outbox set consumed_at = now() where published_at is not null")
        await until(lambda: _equals(published(life), 10))


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode()


async def _notified(life: Life, count: int) -> bool:
    await life.execute("notify aurora_outbox")
    return await published(life) == count


async def _equals(value: Awaitable[int], expected: int) -> bool:
    return await value == expected
