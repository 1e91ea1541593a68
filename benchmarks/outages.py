"""Outages: what each adds to an answer, and how long until the API is itself again.

    python -m benchmarks.outages
    python -m benchmarks.outages --seconds 30 --rate 100

One worker of the API asks for what Redis is there for. Redis is killed, wiped and made a black hole (stopped: it takes
connections and never answers) while requests go on; then Postgres is restarted.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

import httpx
import redis
from rich.console import Console
from rich.table import Table

from benchmarks.logged_in import log_in
from benchmarks.services import SECRET_KEY, Services, services
from benchmarks.websocket_workers import Workers
from infra.embedded.postgres import EmbeddedPostgres
from infra.embedded.redis import EmbeddedRedis
from infra.ports import free_port

PATHS: Final = ("/api/v1/events", "/api/v1/predictions/energy", "/api/v1/features/latest")
HEALED_SECONDS: Final = 60
MOST_ADDED_MS: Final = 150
MOST_HEALING_SECONDS: Final = 5
Outage = Callable[[EmbeddedRedis], None]


@dataclass
class Answers:
    """How long answers took, and which they were."""

    delays: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def delay_ms(self, share: float) -> float:
        ordered = sorted(self.delays)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def kill(server: EmbeddedRedis) -> None:
    os.kill(_pid(server), signal.SIGKILL)


def wipe(server: EmbeddedRedis) -> None:
    with redis.Redis.from_url(server.url()) as client:
        client.flushall()


def make_a_black_hole(server: EmbeddedRedis) -> None:
    os.kill(_pid(server), signal.SIGSTOP)


def leave_alone(server: EmbeddedRedis) -> None:
    del server


OUTAGES: Final[dict[str, Outage]] = {
    "nothing": leave_alone,
    "Redis wiped": wipe,
    "Redis killed": kill,
    "Redis a black hole": make_a_black_hole,
}


@contextmanager
def a_redis(here: Services, name: str) -> Iterator[EmbeddedRedis]:
    """One that may be struck: no other outage meets it."""
    server = EmbeddedRedis(here.folder / name, free_port(), "benchmark")
    server.start()
    try:
        yield server
    finally:
        if (pid := server.pid) is not None:
            os.kill(pid, signal.SIGCONT)
        server.stop()


async def ask(client: httpx.AsyncClient, seconds: float, rate: float, strike: Callable[[], None]) -> Answers:
    """Ask at this rate for so long, whether answers come or not; strike after a fifth of it."""
    answers, begin = Answers(), time.perf_counter()

    async def ask_once(path: str) -> None:
        asked = time.perf_counter()
        answers.statuses[(await client.get(path)).status_code] += 1
        answers.delays.append(time.perf_counter() - asked)

    async with asyncio.TaskGroup() as group:
        for number in range(int(seconds * rate)):
            if number == int(seconds * rate / 5):
                strike()
            group.create_task(ask_once(PATHS[number % len(PATHS)]))
            await asyncio.sleep(max(0.0, begin + (number + 1) / rate - time.perf_counter()))
    return answers


async def outage_of_redis(here: Services, token: str, name: str, arguments: argparse.Namespace) -> Answers:
    with a_redis(here, name.replace(" ", "-")) as server:
        workers = Workers(replace(here, redis_url=server.url()))
        with workers.running("serving", AURORA_API_USER_PER_MINUTE="100000000"):
            await workers.until_ready()
            async with _client(workers, token) as client:
                await ask(client, 2, arguments.rate, lambda: None)  # it warms up
                return await ask(client, arguments.seconds, arguments.rate, lambda: OUTAGES[name](server))


async def restart_of_postgres(here: Services, token: str) -> tuple[float, Counter[int]]:
    """Seconds from when Postgres takes connections until the API does what it did, and what it said meanwhile."""
    postgres = EmbeddedPostgres(here.folder / "postgres", urlsplit(here.postgres_url).port or 0, SECRET_KEY)
    workers, said = Workers(here), Counter[int]()
    with workers.running("serving", AURORA_API_USER_PER_MINUTE="100000000"):
        await workers.until_ready()
        async with _client(workers, token) as client:
            await client.get(PATHS[0])
            postgres.stop()
            for _ in range(3):
                said[(await client.get(PATHS[0])).status_code] += 1
            postgres.start()
            begin = time.perf_counter()
            async with asyncio.timeout(HEALED_SECONDS):
                while (status := (await client.get(PATHS[0])).status_code) != 200:
                    said[status] += 1
            return time.perf_counter() - begin, said


def _client(workers: Workers, token: str) -> httpx.AsyncClient:
    url, headers = f"http://127.0.0.1:{workers.api_port}", {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=30)


def _pid(server: EmbeddedRedis) -> int:
    if server.pid is None:
        raise RuntimeError("Redis does not run")
    return server.pid


async def measure(here: Services, arguments: argparse.Namespace) -> bool:
    """All outages, one after the other, and one table; whether the API kept to its promises."""
    token = log_in(here, 1)[0].token
    table = Table("what happened", "p50, ms", "p99, ms", "added p99, ms", "answers")
    calm, most_added, is_answered = 0.0, 0.0, True
    for name in OUTAGES:
        answers = await outage_of_redis(here, token, name, arguments)
        p99 = answers.delay_ms(0.99)
        calm = calm or p99
        most_added = max(most_added, p99 - calm)
        is_answered = is_answered and set(answers.statuses) == {200}
        table.add_row(
            name,
            f"{answers.delay_ms(0.5):.1f}",
            f"{p99:.1f}",
            f"{p99 - calm:.1f}",
            f"{dict(answers.statuses)}",
        )
    healed, said = await restart_of_postgres(here, token)
    console = Console()
    console.print(table)
    console.print(f"Postgres restarted: healed {healed:.2f} s after it was back; before that {dict(said)}")
    console.print(
        f"at most: {MOST_ADDED_MS} ms added to p99, {MOST_HEALING_SECONDS} s until healed, 503 until then"
    )
    return (
        is_answered and most_added <= MOST_ADDED_MS and healed <= MOST_HEALING_SECONDS and set(said) == {503}
    )


def main() -> None:
    """Read what is asked for, and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=float, default=50, help="requests a second")
    parser.add_argument("--seconds", type=float, default=15, help="of each outage")
    arguments = parser.parse_args()
    with services() as here:
        is_good = asyncio.run(measure(here, arguments))
    sys.exit(not is_good)


if __name__ == "__main__":
    main()
