"""Two workers of the streams, of which one dies under load: on the embedded broker and on Apache Kafka proper."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from aurora.events.acceptance import AcceptedEvent
from infra.embedded.broker import EmbeddedBroker
from infra.embedded.kafka import KafkaNode
from infra.ports import free_port
from streams.app import APP_ID
from tests.end_to_end.bulk import WAITING, assert_live_state_equals_the_log, new_people, rating, store
from tests.end_to_end.conftest import System, until
from tests.fixtures.apache_kafka import JARS_DIR

pytestmark = pytest.mark.slow
FIRST, SECOND = "streams", "streams-2"
STEPS, EVENTS_A_STEP = 24, 10
CONSUMED = "select count(*) from raw.outbox where user_id = any(%s) and consumed_at is not null"
LETTERS = "select count(*) from raw.rejected_events where source = 'streams'"


@pytest.fixture
def system(new_system: Callable[..., System]) -> Iterator[System]:
    broker = EmbeddedBroker()
    system = new_system(broker.start())
    yield system
    _stop(system)
    broker.stop()


@pytest.fixture
def system_on_kafka(
    new_system: Callable[..., System], apache_kafka: str, service_dir: Path
) -> Iterator[System]:
    # A node of its own: the group and the topics of two systems on one broker would be the same.
    node = KafkaNode(JARS_DIR, service_dir / "kafka", free_port(), free_port())
    try:
        system = new_system(node.start(), is_real_kafka=True)
        yield system
        _stop(system)
    finally:
        node.stop()


async def test_one_of_two_workers_dies_under_load(system: System) -> None:
    await _start_two(system)
    # Until both have joined: this broker cannot be asked who is in a group.
    await asyncio.sleep(5)
    await _kill_one_under_load(system)


@pytest.mark.kafka
async def test_one_of_two_workers_dies_under_load_on_apache_kafka(system_on_kafka: System) -> None:
    await _start_two(system_on_kafka)
    await until(lambda: _are_in_the_group(system_on_kafka, 2), seconds=150, every=0.3)
    await _kill_one_under_load(system_on_kafka)

    await until(lambda: _are_in_the_group(system_on_kafka, 1), seconds=60, every=0.3)


async def _start_two(system: System) -> None:
    for name in (FIRST, SECOND):
        system.start_streams(called=name)
    for name in (FIRST, SECOND):
        await until(lambda called=name: _has_started(system, called), seconds=180, every=0.2)


async def _kill_one_under_load(system: System) -> None:
    """No effect is lost and none is doubled: live state equals the log, and each message was consumed."""
    people, draws = await new_people(system, 25), random.Random(7)  # noqa: S311  # the same in every run
    for step in range(STEPS):
        await store(system, [_a_rating(people, draws) for _ in range(EVENTS_A_STEP)])
        if step == STEPS // 2:
            # The first one has the relay as well.
            system.kill(FIRST)
        await asyncio.sleep(0.25)
    ended = time.monotonic()
    await until(lambda: system.rows(WAITING) == [(0,)], seconds=120, every=0.2)
    print(f"all effects {time.monotonic() - ended:.1f} s after the load ended")  # noqa: T201  # a figure for people

    assert system.rows(LETTERS) == [(0,)]
    assert system.rows(CONSUMED, people) == [(STEPS * EVENTS_A_STEP,)]
    await assert_live_state_equals_the_log(system, people)


def _a_rating(people: list[UUID], draws: random.Random) -> AcceptedEvent:
    return rating(draws.choice(people), draws.randint(0, 10), days_ago=draws.randint(0, 9))


def _has_started(system: System, name: str) -> bool:
    assert system.processes[name].poll() is None, system.log(name)
    return "streams_started" in system.log(name)


async def _are_in_the_group(system: System, members_wanted: int) -> bool:
    """Whether the group is settled, with so many members."""
    admin = AIOKafkaAdminClient(bootstrap_servers=system.kafka)
    await admin.start()
    try:
        [answer] = await admin.describe_consumer_groups([APP_ID])
        [(_, _, state, _, _, members, *_)] = answer.groups  # pyright: ignore[reportAttributeAccessIssue]  # made per version
    finally:
        await admin.close()
    return state == "Stable" and len(members) == members_wanted


def _stop(system: System) -> None:
    for name in list(system.processes):
        system.stop(name)
