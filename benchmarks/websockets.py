"""How much a WebSocket costs and how soon it hears: `python benchmarks/websockets.py`, about two minutes.

Three parts in one run, on services of its own: bare `websockets` sockets as the baseline; as many sockets of one
AURORA worker, each of another person; and the whole way from a POST to the socket.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID, uuid4

PROJECT = Path(__file__).parents[1]
# Run as a script, this file would hide the package that it is called after.
sys.path[0] = str(PROJECT)

import psutil  # noqa: E402
import psycopg  # noqa: E402
import uvloop  # noqa: E402
from redis.asyncio import Redis  # noqa: E402

from aurora.database.migrate import migrate  # noqa: E402
from aurora.events.ciphertext import new_person_key  # noqa: E402
from aurora.notices.knocks import knock  # noqa: E402
from aurora.notices.log import append  # noqa: E402
from aurora.notices.messages import InsightsNotice  # noqa: E402
from aurora.secrets import role_password  # noqa: E402
from benchmarks.websocket_load import Latencies, Requests, Sockets  # noqa: E402
from infra.embedded.broker import EmbeddedBroker  # noqa: E402
from infra.embedded.postgres import EmbeddedPostgres  # noqa: E402
from infra.embedded.redis import EmbeddedRedis  # noqa: E402
from infra.ports import free_port  # noqa: E402
from serving.auth.tokens import TokenIssuer  # noqa: E402
from serving.options import ApiOptions  # noqa: E402

SECRET = "the secret of a benchmark, which is long enough for every algorithm"
DATA_KEY = "5a" * 32
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


@dataclass(frozen=True)
class Person:
    user_id: UUID
    token: str


class Rig:
    """Postgres, Redis and a broker that nobody else uses, and the processes of AURORA on them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.postgres = EmbeddedPostgres(
            folder / "postgres", free_port(), role_password(SECRET, "aurora_owner"), fast=True
        )
        self.redis = EmbeddedRedis(folder / "redis", free_port(), "bench", fast=True)
        self.broker = EmbeddedBroker()
        self.api_port = free_port()
        self.owner_url = ""

    def start(self) -> None:
        self.postgres.start()
        self.redis.start()
        with psycopg.connect(self.postgres.url(), autocommit=True) as connection:
            connection.execute("create database aurora")
        self.owner_url = self.postgres.url("aurora")
        migrate(self.owner_url, SECRET, databases=False)

    def stop(self) -> None:
        self.redis.stop()
        self.postgres.stop()

    def people(self, count: int) -> list[Person]:
        """So many people, each with an open login."""
        issuer = TokenIssuer(SECRET, ApiOptions())
        now = datetime.now(UTC)
        ids = [(uuid4(), uuid4()) for _ in range(count)]
        with psycopg.connect(self.owner_url) as connection, connection.cursor() as cursor:
            cursor.executemany(
                "insert into app.users (user_id, username, tz, data_key_ciphertext)"
                " values (%s, %s, 'Europe/Oslo', %s)",
                [(user_id, str(user_id), new_person_key(DATA_KEY, user_id)) for user_id, _ in ids],
            )
            cursor.executemany(
                "insert into app.sessions (session_id, user_id, family_id, refresh_hash, expires_at)"
                " values (%s, %s, %s, %s, now() + interval '1 day')",
                [(uuid4(), user_id, family_id, family_id.bytes) for user_id, family_id in ids],
            )
        return [
            Person(user_id, issuer.issue("access", user_id, family_id, now)) for user_id, family_id in ids
        ]

    @contextmanager
    def running(self, name: str, **environment: str) -> Iterator[psutil.Process]:
        """A process of AURORA, as `aurora up` starts it."""
        shared = {
            "AURORA_DATA_DIR": str(self._folder / "data"),
            "AURORA_REDIS_URL": self.redis.url(0),
            "AURORA_POSTGRES_URL": self._role_url(
                "aurora_serving" if name == "serving" else "aurora_streams"
            ),
            "AURORA_JWT_SECRET": SECRET,
            "AURORA_DATA_KEY": DATA_KEY,
            "AURORA_API_PORT": str(self.api_port),
            "AURORA_API_WORKERS": "1",
            "AURORA_LOG_LEVEL": "WARNING",
            "OMP_NUM_THREADS": "1",
        }
        with (self._folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(  # our own module
                [sys.executable, "-m", name], cwd=PROJECT, env=os.environ | shared | environment, stderr=log
            )
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(20)

    def _role_url(self, role: str) -> str:
        return self.owner_url.replace(
            f"aurora_owner:{role_password(SECRET, 'aurora_owner')}", f"{role}:{role_password(SECRET, role)}"
        )


async def until_ready(port: int) -> None:
    for _ in range(600):
        try:
            async with Requests("127.0.0.1", port) as requests:
                if (await requests.send("GET", "/readyz"))[0] == 200:
                    return
        except OSError:
            pass
        await asyncio.sleep(0.1)
    raise RuntimeError("the API does not come up")


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
    rig: Rig, sockets: int, rate: float, seconds: float
) -> tuple[float, Latencies, Latencies, float]:
    """Memory of one of our sockets; from the commit of a notice to the socket; from its writing; connects/s."""
    people = rig.people(sockets)
    committed: dict[int, float] = {}
    begun: dict[int, float] = {}
    arrived: dict[int, float] = {}

    def hear(text: str) -> None:
        at = time.perf_counter()
        message = json.loads(text)
        if message["type"] == "message":
            arrived[UUID(message["insight_ids"][0]).int] = at

    with rig.running("serving") as process:
        await until_ready(rig.api_port)
        crowd = Sockets("127.0.0.1", rig.api_port, hear)
        addresses = [address(person) for person in people]
        await crowd.open(addresses[:FIRST_SOCKETS])
        before = process.memory_info().rss
        started = time.perf_counter()
        await crowd.open(addresses[FIRST_SOCKETS:])
        per_second = (sockets - FIRST_SOCKETS) / (time.perf_counter() - started)
        memory = kilobytes_each(process, before, sockets)
        await asyncio.sleep(1)
        await _publish(rig, people, rate, seconds, begun, committed)
        await asyncio.sleep(1)
        crowd.close()
    if set(arrived) != set(committed):
        raise RuntimeError(f"{len(committed)} notices were told and {len(arrived)} heard")
    # A knock may be faster than the answer to the commit.
    push = Latencies([max(0.0, arrived[number] - committed[number]) for number in committed])
    whole = Latencies([arrived[number] - begun[number] for number in committed])
    return memory, push, whole, per_second


async def _publish(
    rig: Rig,
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
        await psycopg.AsyncConnection.connect(rig.owner_url) as connection,
        Redis.from_url(rig.redis.url(0)) as redis,
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


async def posted(rig: Rig, sockets: int, rate: float, seconds: float) -> tuple[Latencies, Latencies]:
    """From a POST to its own answer, and to the socket of the person: the whole way."""
    people = rig.people(sockets)
    sent: dict[str, float] = {}
    answers, heard = Latencies(), Latencies()

    def hear(text: str) -> None:
        at = time.perf_counter()
        if '"subject":"events"' not in text:
            return
        for event in json.loads(text)["events"]:
            if event["event_id"] in sent:
                heard.add(at - sent[event["event_id"]])

    bootstrap = rig.broker.start()
    with (
        rig.running("serving", AURORA_API_USER_PER_MINUTE="100000") as _,
        rig.running("streams", AURORA_KAFKA_BOOTSTRAP=bootstrap) as _,
    ):
        await until_ready(rig.api_port)
        crowd = Sockets("127.0.0.1", rig.api_port, hear)
        await crowd.open([address(person) for person in people])
        async with Requests("127.0.0.1", rig.api_port, connections=16) as requests:
            # The first ones wait for the consumer to join its group.
            for keep in (False, True):
                await _post(requests, people, rate, seconds if keep else 10, sent, answers)
                await asyncio.sleep(2)
                if not keep:
                    sent.clear()
                    answers.clear()
                    heard.clear()
        crowd.close()
    rig.broker.stop()
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


async def run(arguments: argparse.Namespace, rig: Rig) -> None:
    print(f"{arguments.sockets} sockets, {arguments.rate:g} messages/s for {arguments.seconds:g} s")
    bare_memory, bare_push = await bare(arguments.sockets, arguments.rate, arguments.seconds)
    print(f"  bare websockets: {bare_memory:.1f} KB each, push {bare_push}")
    memory, push, whole, connects = await pushed(rig, arguments.sockets, arguments.rate, arguments.seconds)
    print(f"  AURORA: {memory:.1f} KB each, {connects:.0f} connects/s")
    print(f"  commit of a notice → socket: {push}; writing → socket: {whole}")
    judge("memory of a socket", memory, 30, "KB")
    judge("push, p95", 1000 * push.at(0.95), 20, "ms")
    ratio = push.at(0.95) / bare_push.at(0.95)
    print(f"  ratios to bare sockets: memory {memory / bare_memory:.2f}, push p95 {ratio:.1f}")
    print(f"{arguments.path_sockets} sockets, {arguments.path_rate:g} events/s for {arguments.seconds:g} s")
    answers, heard = await posted(rig, arguments.path_sockets, arguments.path_rate, arguments.seconds)
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
    folder = Path(tempfile.mkdtemp(prefix="aurora-bench-"))
    folder.chmod(0o711)  # as root Postgres runs as nobody and has to get in
    rig = Rig(folder)
    # Whoever stops it early finds nothing left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        rig.start()
        uvloop.run(run(arguments, rig))
    finally:
        rig.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
