"""What is wiped or killed comes back by itself: Redis, the broker, the streams."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

import pytest
from redis.asyncio import Redis

from infra.embedded.broker import EmbeddedBroker
from streams.events.relay import Relay
from tests.end_to_end.conftest import Person, System, running, somebody, until


@pytest.fixture(scope="module")
def shared_system(new_system: Callable[..., System]) -> Iterator[tuple[System, list[EmbeddedBroker]]]:
    """A system of this module's own, and the brokers that it has had."""
    brokers = [EmbeddedBroker()]
    with running(new_system(brokers[0].start())) as system:
        yield system, brokers
    for broker in brokers:
        broker.stop()


@pytest.fixture
def fragile(shared_system: tuple[System, list[EmbeddedBroker]]) -> tuple[System, list[EmbeddedBroker]]:
    """The system of this module, with its streams up whatever the test before did to them."""
    shared_system[0].ensure_streams()
    return shared_system


def has_effect(system: System, person: Person) -> Callable[[], bool]:
    query = "select count(*) from raw.outbox where user_id = %s and consumed_at is null"
    return lambda: system.rows(query, person.user_id) == [(0,)]


async def last_energy(person: Person) -> tuple[str, float]:
    features = await person.get("features/latest")
    return features["source"], features["features"]["energy_last_28d"]


async def rate(person: Person, energy: float) -> None:
    await person.post(payload={"energy": energy})


async def test_wiped_redis_answers_from_the_log_and_fills_at_the_next_event(
    fragile: tuple[System, list[EmbeddedBroker]],
) -> None:
    system, _ = fragile
    ada = await somebody(system)
    await rate(ada, 3)
    await until(has_effect(system, ada))
    assert await last_energy(ada) == ("live", 3)
    async with Redis.from_url(system.redis) as redis:
        await redis.delete(f"aurora:tiles:{ada.user_id}")
    assert await last_energy(ada) == ("log", 3)
    await rate(ada, 8)
    await until(has_effect(system, ada))
    features = await ada.get("features/latest")

    assert features["source"] == "live"
    assert features["features"]["energy_mean_28d"] == 5.5


async def test_messages_that_died_with_the_broker_are_sent_again(
    fragile: tuple[System, list[EmbeddedBroker]],
) -> None:
    system, brokers = fragile
    ada = await somebody(system)
    await rate(ada, 3)
    await until(has_effect(system, ada))
    system.kill("streams")
    await rate(ada, 8)
    await _publish_only(system)
    brokers.append(EmbeddedBroker())
    # The embedded broker comes back empty and under another address; its dependents start anew.
    system.kafka = brokers[-1].start()
    brokers[-2].stop()
    assert await last_energy(ada) == ("log", 8)
    began = time.monotonic()
    system.start_streams()
    await until(has_effect(system, ada), seconds=90)
    print(f"healed {time.monotonic() - began:.1f} s after the start")  # noqa: T201  # a figure for people

    assert await last_energy(ada) == ("live", 8)


async def test_streams_that_were_killed_go_on_where_they_were(
    fragile: tuple[System, list[EmbeddedBroker]],
) -> None:
    system, _ = fragile
    ada = await somebody(system)
    system.kill("streams")
    for energy in (1, 2, 3, 4):
        await rate(ada, energy)
    system.start_streams()
    await until(has_effect(system, ada), seconds=90)

    assert await last_energy(ada) == ("live", 4)


async def test_the_streams_stop_cleanly_within_five_seconds(
    fragile: tuple[System, list[EmbeddedBroker]],
) -> None:
    system, _ = fragile
    code, seconds = await asyncio.to_thread(system.stop, "streams")
    print(f"stopped in {seconds:.1f} s")  # noqa: T201  # a figure for people

    assert code == 0
    assert seconds < 5


async def _publish_only(system: System) -> None:
    """Let a relay hand everything to the broker while nobody consumes."""
    relay = asyncio.create_task(Relay(system.database, system.kafka).run())
    unpublished = "select count(*) from raw.outbox where published_at is null"
    await until(lambda: system.rows(unpublished) == [(0,)])
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)
