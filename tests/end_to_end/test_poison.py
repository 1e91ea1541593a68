"""Messages that make no sense, among many that do: set aside to the last one, and in nobody's way."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import psycopg
import pytest
from aiokafka import AIOKafkaProducer

from aurora.topics import EVENTS_ACCEPTED
from infra.embedded.broker import EmbeddedBroker
from tests.end_to_end.bulk import (
    WAITING,
    assert_live_state_equals_the_log,
    new_people,
    rating,
    store,
)
from tests.end_to_end.conftest import System, until

pytestmark = pytest.mark.slow
MESSAGES, WITHOUT_EFFECT, UNREADABLE = 10_000, 60, 40
NO_MESSAGE = (b"\xff\xfe", b"", b"{", b"[1, 2]", b"{}", b'{"user_id": "ada", "local_date": "today"}')
LETTERS = (
    "select reason_code, count(*) from raw.rejected_events where replayed_at is null group by 1 order by 1"
)
# What `effect_failed` means: the event is in the log, its message has to be sent again.
REPLAY = """
    with replayed as (
        update raw.rejected_events set replayed_at = now()
        where reason_code = 'effect_failed' and replayed_at is null returning user_id, body::jsonb as body
    )
    insert into raw.outbox (topic, user_id, body)
    select 'aurora.events.accepted.v1', user_id, body - 'outbox_id' from replayed
"""


@pytest.fixture
def system(new_system: Callable[..., System]) -> Iterator[System]:
    """Streams alone: nobody asks an API here."""
    broker = EmbeddedBroker()
    system = new_system(broker.start())
    yield system
    for name in list(system.processes):
        system.stop(name)
    broker.stop()


async def test_one_percent_of_poison_in_ten_thousand_messages(system: System) -> None:
    people, unlucky = await new_people(system, 200), await new_people(system, WITHOUT_EFFECT)
    draws = random.Random(7)  # noqa: S311  # the same in every run
    good = MESSAGES - WITHOUT_EFFECT - UNREADABLE
    bad = [rating(user_id, "rather much") for user_id in unlucky]
    events = [
        rating(draws.choice(people), draws.randint(0, 10), days_ago=number % 7) for number in range(good)
    ]
    events += bad
    draws.shuffle(events)
    await store(system, events)
    await _send_what_is_no_message(system, draws)
    system.start_streams()
    await until(lambda: system.rows(WAITING) == [(0,)], seconds=180, every=0.5)
    counts = [("effect_failed", WITHOUT_EFFECT), ("undecodable", UNREADABLE)]
    await until(lambda: system.rows(LETTERS) == counts, seconds=60, every=0.5)

    assert system.processes["streams"].poll() is None
    await assert_live_state_equals_the_log(system, people)

    # The fix: the events are corrected; then their messages get another chance.
    corrections = [rating(event.user_id, 7, event_id=str(event.event_id), version=2) for event in bad]
    await store(system, corrections)
    with psycopg.connect(system.database) as connection:
        connection.execute(REPLAY)
        connection.execute("notify aurora_outbox")
    await until(lambda: system.rows(WAITING) == [(0,)], seconds=60, every=0.5)

    assert system.rows(LETTERS) == [("undecodable", UNREADABLE)]
    await assert_live_state_equals_the_log(system, unlucky)


async def _send_what_is_no_message(system: System, draws: random.Random) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=system.kafka)
    await producer.start()
    try:
        for number in range(UNREADABLE):
            body = NO_MESSAGE[number % len(NO_MESSAGE)]
            await producer.send_and_wait(EVENTS_ACCEPTED, body, partition=draws.randrange(4))
    finally:
        await producer.stop()
