"""How many events a second one worker of the streams takes to their effect on Redis.

    python -m benchmarks.streams [--people 1000] [--events 20000]

Everybody has lived through a day of twenty events. All of their messages lie in the broker before the clock
starts, in no order. The worker is the real process (`python -m streams`), whose relay stands by. Its speed is
that of its own CPU time: on a shared machine the wall tells more about the neighbours. The baseline is a bare
aiokafka loop over the same messages in the same run: what any consumer in Python has to pay.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

import psutil
import psycopg
import typer
from aiokafka import AIOKafkaConsumer, TopicPartition
from redis.asyncio import Redis
from rich.console import Console
from rich.table import Table

from aurora import clock
from aurora.database.grants import STREAMS
from aurora.events.acceptance import AcceptedEvent, validate
from aurora.events.storage import store_events
from aurora.features.live import tiles_key
from aurora.topics import EVENTS_ACCEPTED, PARTITIONS
from benchmarks.services import Services, services
from streams.events.outbox import RELAY_LOCK
from streams.events.relay import Relay, RelayOptions
from streams.features.people import read_everybody
from streams.features.rebuild import rebuild

console = Console(highlight=False)
DAY_OF_EVENTS: dict[str, tuple[int, Callable[[random.Random], dict[str, Any]]]] = {
    "mood.rated": (4, lambda r: {"valence": r.randint(-10, 10) / 10}),
    "energy.rated": (4, lambda r: {"energy": r.randint(0, 20) / 2}),
    "stress.rated": (2, lambda r: {"stress": r.randint(0, 10)}),
    "meal.eaten": (3, lambda r: {"energy_kcal": r.randint(200, 900)}),
    "caffeine.consumed": (3, lambda r: {"caffeine_mg": r.randint(30, 150)}),
    "work.recorded": (2, lambda r: {"duration_minutes": r.randint(60, 240)}),
    "social.met": (1, lambda r: {"duration_minutes": r.randint(10, 200)}),
    "steps.counted": (1, lambda r: {"steps": r.randint(1000, 12000)}),
}
"""Event type → how many of a day's twenty events are of it, and what they say."""


def main(
    people: Annotated[int, typer.Option(help="How many people the events are of")] = 1000,
    events: Annotated[int, typer.Option(help="How many events; twenty a person make a usual day")] = 20_000,
) -> None:
    """Measure one worker of the streams against a bare consumer."""
    with services() as here:
        asyncio.run(_measure(here, people, events))


async def _measure(here: Services, people: int, events: int) -> None:
    async with (
        await psycopg.AsyncConnection.connect(here.postgres_url) as connection,
        Redis.from_url(here.redis_url) as redis,
    ):
        users = await _people(connection, people)
        await rebuild(connection, redis, await read_everybody(connection))
        await connection.commit()
        await _store(connection, users, events)
        await _publish(here, connection)
        await connection.execute("select pg_advisory_lock(%s)", (RELAY_LOCK,))
        await connection.commit()
        bare = await _bare_loop(here.kafka, events)
        cpu, wall = await _worker(here, connection, events)
        filled = sum([1 async for _ in redis.scan_iter(match=tiles_key("*"), count=1000)])  # pyright: ignore[reportArgumentType]  # a pattern
    table = Table("", "events/s of its CPU", "× a bare loop", box=None)
    table.add_row("a bare aiokafka loop", f"{events / bare:,.0f}", "1")
    table.add_row("one worker, to the effect", f"{events / cpu:,.0f}", f"{bare / cpu:.3f}")
    console.print(table)
    console.print(
        f"{events:,} events of {filled:,} people; by the wall {events / wall:,.0f} events/s "
        f"(load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)."
    )


async def _people(connection: psycopg.AsyncConnection[Any], count: int) -> list[UUID]:
    users = [uuid4() for _ in range(count)]
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "insert into app.users (user_id, username, tz, data_key_ciphertext) values (%s, %s, 'UTC', '')",
            [(user_id, str(user_id)) for user_id in users],
        )
    await connection.commit()
    return users


async def _store(connection: psycopg.AsyncConnection[Any], users: list[UUID], count: int) -> None:
    """So many events, spread over the people and over the day so far, through the way in of the API."""
    draws = random.Random(7)  # noqa: S311  # the same events in every run
    kinds = [kind for kind, (times, _) in DAY_OF_EVENTS.items() for _ in range(times)]
    whose = [users[number % len(users)] for number in range(count)]
    draws.shuffle(whose)
    now = clock.now()
    accepted = [_event(user_id, draws.choice(kinds), now, draws) for user_id in whose]
    for start in range(0, count, 500):
        await store_events(connection, accepted[start : start + 500])
        await connection.commit()


def _event(user_id: UUID, kind: str, now: datetime, draws: random.Random) -> AcceptedEvent:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    started_at = midnight + timedelta(seconds=draws.randint(0, int((now - midnight).total_seconds())))
    body = {
        "event_id": str(uuid4()),
        "type": kind,
        "started_at": started_at.isoformat(),
        "source": {"name": "benchmark"},
        "payload": DAY_OF_EVENTS[kind][1](draws),
    }
    verdict = validate(body, user_id=user_id, user_tz="UTC", received_at=now, hash_key=b"benchmark")
    if not isinstance(verdict, AcceptedEvent):
        raise TypeError(verdict)
    return verdict


async def _publish(here: Services, connection: psycopg.AsyncConnection[Any]) -> None:
    relay = asyncio.create_task(
        Relay(here.url_of(STREAMS), here.kafka, RelayOptions(most_in_flight=10**9)).run()
    )
    while await _count(connection, "published_at is null"):  # noqa: ASYNC110  # another process sets it
        await asyncio.sleep(0.2)
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)


async def _count(connection: psycopg.AsyncConnection[Any], condition: str) -> int:
    query = f"select count(*) from raw.outbox where {condition}"  # noqa: S608  # a condition of this module
    cursor = await connection.execute(query.encode())
    row = await cursor.fetchone()
    await connection.commit()
    return row[0] if row else 0


async def _bare_loop(kafka: str, count: int) -> float:
    """CPU seconds to read all messages and their JSON."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka, auto_offset_reset="earliest", check_crcs=False, enable_auto_commit=False
    )
    await consumer.start()
    consumer.assign([TopicPartition(EVENTS_ACCEPTED, number) for number in range(PARTITIONS)])
    began, seen = time.process_time(), 0
    while seen < count:
        for records in (await consumer.getmany(timeout_ms=1000, max_records=2000)).values():
            seen += len([json.loads(record.value or b"{}") for record in records])
    seconds = time.process_time() - began
    await consumer.stop()
    return seconds


async def _worker(
    here: Services, connection: psycopg.AsyncConnection[Any], count: int
) -> tuple[float, float]:
    """CPU and wall seconds of the process between its first and its last effect."""
    environment = os.environ | {
        "AURORA_DATA_DIR": str(here.folder),
        "AURORA_POSTGRES_URL": here.url_of(STREAMS),
        "AURORA_REDIS_URL": here.redis_url,
        "AURORA_KAFKA_BOOTSTRAP": here.kafka,
    }
    command = [sys.executable, "-m", "streams"]
    with (here.folder / "streams.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: ASYNC220  # our own
    try:
        usage = psutil.Process(process.pid)
        first = 0
        while not first:
            await asyncio.sleep(0.02)
            first = await _count(connection, "consumed_at is not null")
        began, cpu = time.monotonic(), _cpu(usage)
        while await _count(connection, "consumed_at is not null") < count:  # noqa: ASYNC110  # as above
            await asyncio.sleep(0.1)
        # What was done before the first look is not counted, nor is its time.
        share = count / (count - first)
        return (_cpu(usage) - cpu) * share, (time.monotonic() - began) * share
    finally:
        process.terminate()
        process.wait(10)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    typer.run(main)
