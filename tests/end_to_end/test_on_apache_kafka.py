"""The same way on Apache Kafka proper: explicit topics, checksums, several partitions, a durable log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from aurora.topics import ALL_TOPICS, EVENTS_ACCEPTED, PARTITIONS
from tests.end_to_end.conftest import System, running, somebody, until
from tests.end_to_end.test_event_to_prediction import first_event, post_and_follow
from tests.end_to_end.test_healing import has_effect, last_energy, rate

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def shared_system(apache_kafka: str, new_system: Callable[..., System]) -> Iterator[System]:
    with running(new_system(apache_kafka, is_real_kafka=True)) as system:
        yield system


@pytest.fixture
def on_kafka(shared_system: System) -> System:
    """The system of this module, with its streams up whatever the test before did to them."""
    shared_system.ensure_streams()
    return shared_system


async def test_event_changes_live_features_prediction_and_websocket_on_apache_kafka(on_kafka: System) -> None:
    ada = await somebody(on_kafka)
    await first_event(ada)
    latencies = sorted([await post_and_follow(ada, energy) for energy in (3.0, 9.0, 5.5, 7.0, 1.0)])
    print("Apache Kafka, post → WebSocket, ms:", ", ".join(f"{s * 1000:.0f}" for s in latencies))  # noqa: T201  # a figure for people

    assert latencies[0] < 1


async def test_topics_are_made_with_their_partitions(on_kafka: System) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=on_kafka.kafka)
    await admin.start()
    try:
        described = {topic["topic"]: topic for topic in await admin.describe_topics(list(ALL_TOPICS))}
    finally:
        await admin.close()

    assert set(described) == set(ALL_TOPICS)
    assert len(described[EVENTS_ACCEPTED]["partitions"]) == PARTITIONS


async def test_streams_that_were_killed_go_on_where_they_were_on_apache_kafka(on_kafka: System) -> None:
    ada = await somebody(on_kafka)
    on_kafka.kill("streams")
    for energy in (1, 2, 3, 4):
        await rate(ada, energy)
    began = time.monotonic()
    on_kafka.start_streams()
    await until(has_effect(on_kafka, ada), seconds=60)
    print(f"Apache Kafka, after kill -9: {time.monotonic() - began:.1f} s to the effect")  # noqa: T201  # a figure for people

    assert await last_energy(ada) == ("live", 4)


async def test_the_streams_stop_cleanly_within_five_seconds_on_apache_kafka(on_kafka: System) -> None:
    code, seconds = await asyncio.to_thread(on_kafka.stop, "streams")

    assert code == 0
    assert seconds < 5
