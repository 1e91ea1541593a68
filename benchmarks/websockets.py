"""How much a WebSocket costs and how soon it hears: `python -m benchmarks.websockets`, about two minutes.

Three parts in one run, on services of its own: bare `websockets` sockets as the baseline; as many sockets of one
AURORA worker, each of another person; and the whole way from a POST to the socket.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import psutil
import psycopg
import uvloop
from redis.asyncio import Redis

from aurora.notices.knocks import knock
from aurora.notices.log import append
from aurora.notices.messages import InsightsNotice
from benchmarks.logged_in import Person, log_in
from benchmarks.services import services
from benchmarks.websocket_load import Latencies, Requests, Sockets
from benchmarks.websocket_workers import Workers
from infra.ports import free_port

FIRST_SOCKETS = 100
"""Memory is counted from here on: what is there once is not the cost of a socket."""

BARE_SERVER = """
import asyncio, sys, time, uvloop
from websockets.asyncio.server import serve
async def main(port, rate):
    open_ones, asked = [], asyncio.Event()
    async def hold(socket):
        open_ones.append(socket)
        async for _ in socket:
            asked.set()
    async with serve(hold, "127.0.0.1", port, compression=None, ping_interval=None):
        await asked.wait()
        number, start = 0, time.perf_counter()
        while True:
            await asyncio.sleep(max(0, start + number / rate - time.perf_counter()))
            await open_ones[number % len(open_ones)].send(f"{time.perf_counter():.6f}".ljust(400))
            number += 1
uvloop.run(main(int(sys.argv[1]), float(sys.argv[2])))
"""


def kilobytes_each(process: psutil.Process, before: int, sockets: int) -> float:
    return (process.memory_info().rss - before) / 1024 / (sockets - FIRST_SOCKETS)


async def bare(sockets: int, rate: float, seconds: float) -> tuple[float, Latencies]:
    """Memory of a bare socket, and how soon it hears what the server itself has to say."""
    port, heard = free_port(), Latencies()
    process = subprocess.Popen([sys.executable, "-c", BARE_SERVER, str(port), str(rate)])  # noqa: ASYNC220
    try:
        await asyncio.sleep(1.5)
        crowd = Sockets("127.0.0.1", port, lambda text: heard.add(time.perf_counter() - float(text)))
        await crowd.open([("/", {})] * FIRST_SOCKETS)
        before = psutil.Process(process.pid).memory_info().rss
        await crowd.open([("/", {})] * (sockets - FIRST_SOCKETS))
        memory = kilobytes_each(psutil.Process(process.pid), before, sockets)
        crowd.say("go")
        await asyncio.sleep(seconds)
        crowd.close()
        return memory, heard
    finally:
        process.terminate()
        process.wait(20)


def address(person: Person) -> tuple[str, dict[str, str]]:
    return "/api/v1/ws", {"Authorization": f"Bearer {person.token}"}


async def pushed(
    workers: Workers, sockets: int, rate: float, seconds: float
) -> tuple[float, Latencies, Latencies, float]:
    """Memory of one of our sockets; from the commit of a notice to the socket; from its writing; connects/s."""
    people = log_in(workers.services, sockets, tz="Europe/Oslo")
    committed: dict[int, float] = {}
    begun: dict[int, float] = {}
    arrived: dict[int, float] = {}

    def hear(text: str) -> None:
        at = time.perf_counter()
        message = json.loads(text)
        if message["type"] == "message":
            arrived[UUID(message["insight_ids"][0]).int] = at

    with workers.running("serving") as process:
        await workers.until_ready()
        crowd = Sockets("127.0.0.1", workers.api_port, hear)
        addresses = [address(person) for person in people]
        await crowd.open(addresses[:FIRST_SOCKETS])
        before = process.memory_info().rss
        started = time.perf_counter()
        await crowd.open(addresses[FIRST_SOCKETS:])
        per_second = (sockets - FIRST_SOCKETS) / (time.perf_counter() - started)
        memory = kilobytes_each(process, before, sockets)
        await asyncio.sleep(1)
        await _publish(workers, people, rate, seconds, begun, committed)
        await asyncio.sleep(1)
        crowd.close()
    if set(arrived) != set(committed):
        raise RuntimeError(f"{len(committed)} notices were told and {len(arrived)} heard")
    # A knock may be faster than the answer to the commit.
    push = Latencies([max(0.0, arrived[number] - committed[number]) for number in committed])
    whole = Latencies([arrived[number] - begun[number] for number in committed])
    return memory, push, whole, per_second


async def _publish(
    workers: Workers,
    people: list[Person],
    rate: float,
    seconds: float,
    begun: dict[int, float],
    committed: dict[int, float],
) -> None:
    """Notices for one person after the other, ten in a transaction, as the streams write them."""
    moment = {"as_of": datetime.now(UTC), "local_date": date(2026, 11, 25)}
    number, start = 1, time.perf_counter()
    async with (
        await psycopg.AsyncConnection.connect(workers.services.postgres_url) as connection,
        Redis.from_url(workers.services.redis_url) as redis,
    ):
        while (now := time.perf_counter()) < start + seconds:
            numbers = range(number, number + 10)
            number += 10
            notices = [
                (
                    people[one * 7919 % len(people)].user_id,
                    InsightsNotice(**moment, insight_ids=[UUID(int=one)]),
                )
                for one in numbers
            ]
            begun.update(dict.fromkeys(numbers, now))
            heads = await append(connection, notices)
            await connection.commit()
            committed.update(dict.fromkeys(numbers, time.perf_counter()))
            await knock(redis, heads)
            await asyncio.sleep(max(0.0, start + number / rate - time.perf_counter()))


async def posted(workers: Workers, sockets: int, rate: float, seconds: float) -> tuple[Latencies, Latencies]:
    """From a POST to its own answer, and to the socket of the person: the whole way."""
    people = log_in(workers.services, sockets, tz="Europe/Oslo")
    sent: dict[str, float] = {}
    answers, heard = Latencies(), Latencies()

    def hear(text: str) -> None:
        at = time.perf_counter()
        if '"subject":"events"' not in text:
            return
        for event in json.loads(text)["events"]:
            if event["event_id"] in sent:
                heard.add(at - sent[event["event_id"]])

    with (
        workers.running("serving", AURORA_API_USER_PER_MINUTE="100000") as _,
        workers.running("streams") as _,
    ):
        await workers.until_ready()
        crowd = Sockets("127.0.0.1", workers.api_port, hear)
        await crowd.open([address(person) for person in people])
        async with Requests("127.0.0.1", workers.api_port, connections=16) as requests:
            # The first ones wait for the consumer to join its group.
            for keep in (False, True):
                await _post(requests, people, rate, seconds if keep else 10, sent, answers)
                await asyncio.sleep(2)
                if not keep:
                    sent.clear()
                    answers.clear()
                    heard.clear()
        crowd.close()
    if len(heard) < 0.99 * len(sent):
        print(f"only {len(heard)} of {len(sent)} events were heard of")
    return answers, heard


async def _post(
    requests: Requests,
    people: list[Person],
    rate: float,
    seconds: float,
    sent: dict[str, float],
    answers: Latencies,
) -> None:
    async def one(person: Person) -> None:
        event_id = str(uuid4())
        body = {
            "event_id": event_id,
            "type": "energy.rated",
            "started_at": datetime.now(UTC).isoformat(),
            "source": {"name": "benchmark"},
            "payload": {"energy": 6.5},
        }
        began = sent[event_id] = time.perf_counter()
        status, answer = await requests.send(
            "POST", "/api/v1/events", person.token, json.dumps(body).encode()
        )
        if status != 201:
            raise RuntimeError(answer.decode())
        answers.add(time.perf_counter() - began)

    start, number, posts = time.perf_counter(), 0, set()
    while number < rate * seconds:
        post = asyncio.create_task(one(people[number * 7919 % len(people)]))
        posts.add(post)
        post.add_done_callback(posts.discard)
        number += 1
        await asyncio.sleep(max(0.0, start + number / rate - time.perf_counter()))
    await asyncio.gather(*posts)


def judge(name: str, value: float, limit: float, unit: str) -> None:
    print(f"  {name:<44} {value:8.1f} {unit:<3} (aim: under {limit:g}) {'' if value < limit else 'MISSED'}")


async def run(arguments: argparse.Namespace, workers: Workers) -> None:
    print(f"{arguments.sockets} sockets, {arguments.rate:g} messages/s for {arguments.seconds:g} s")
    bare_memory, bare_push = await bare(arguments.sockets, arguments.rate, arguments.seconds)
    print(f"  bare websockets: {bare_memory:.1f} KB each, push {bare_push}")
    memory, push, whole, connects = await pushed(
        workers, arguments.sockets, arguments.rate, arguments.seconds
    )
    print(f"  AURORA: {memory:.1f} KB each, {connects:.0f} connects/s")
    print(f"  commit of a notice → socket: {push}; writing → socket: {whole}")
    judge("memory of a socket", memory, 30, "KB")
    judge("push, p95", 1000 * push.at(0.95), 20, "ms")
    ratio = push.at(0.95) / bare_push.at(0.95)
    print(f"  ratios to bare sockets: memory {memory / bare_memory:.2f}, push p95 {ratio:.1f}")
    print(f"{arguments.path_sockets} sockets, {arguments.path_rate:g} events/s for {arguments.seconds:g} s")
    answers, heard = await posted(workers, arguments.path_sockets, arguments.path_rate, arguments.seconds)
    print(f"  POST → its answer: {answers}; POST → socket: {heard}")
    judge("POST → socket, p95", 1000 * heard.at(0.95), 100, "ms")
    print(f"  ratio to the POST itself: p95 {heard.at(0.95) / answers.at(0.95):.1f}")


def main() -> None:
    """Read what is asked for, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=500, help="messages a second")
    parser.add_argument("--path-sockets", type=int, default=500)
    parser.add_argument("--path-rate", type=float, default=200, help="events a second")
    parser.add_argument("--seconds", type=float, default=10, help="of each part")
    arguments = parser.parse_args()
    with services() as here:
        uvloop.run(run(arguments, Workers(here)))


if __name__ == "__main__":
    main()
