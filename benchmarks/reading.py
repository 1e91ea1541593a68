"""How fast the API is read from, as ratios to a bare FastAPI endpoint that answers the same bytes.

    python -m benchmarks.reading [--rounds 5] [--people 40] [--days 60] [--seconds 3]

Simulated people in private services, whose models are trained, served by one worker of the API: authenticated, rate
limited and logged. The bare endpoint has none of that and the same uvicorn.

- kept: `GET /predictions/energy`, whose answer lies in Redis, against the same JSON out of memory.
- query: `GET /events/{id}`, one indexed query, against the same query by the same driver and pool.
- mixed: an open loop of predictions, scores, lists, single events and posts at a steady rate: what waits because the
  server is behind counts as delay. Printed are p95, p99, errors, and which share of what Redis keeps was found there.
- start: seconds from the command to the first `readyz`, and the memory of the worker with both models loaded.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import httpx
import psutil
import psycopg
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table

from aurora.models.catalogue import MODELS
from benchmarks.http_load import Load, get, hammer, request
from benchmarks.logged_in import Person, log_in_as
from benchmarks.open_loop import at_a_rate
from benchmarks.prediction_servers import aurora
from benchmarks.server_process import answering
from benchmarks.services import Services, services
from benchmarks.trained_people import TrainedPeople
from benchmarks.write_services import PROJECT
from infra.ports import free_port

PREDICTION: Final = "/api/v1/predictions/energy"
EVENTS: Final = "/api/v1/events"
CLIENTS: Final = 16
MIXED_PER_SECOND: Final = 300
AIMS: Final = {
    "kept: API / bare": "0.6, at least 0.35",
    "query: API / bare": "at least 0.5",
    "mixed: p95, ms": "< 50",
    "mixed: errors": "0",
    "mixed: share of hits": "at least 0.6",
    "start: seconds to ready": "< 4",
    "start: worker with both models, MB": "≤ 350",
}

CHANCE: Final = random.Random(7)  # noqa: S311  # which requests come in which order

console = Console(stderr=True, highlight=False)


@dataclass(frozen=True)
class Reader:
    """Somebody who reads, and an event of theirs."""

    person: Person
    event_id: str


def readers(here: Services, people: TrainedPeople) -> list[Reader]:
    persons = log_in_as(here, [person.user_id for person in people.fill_redis()])
    with psycopg.connect(here.postgres_url) as connection:
        latest = dict(
            connection.execute(
                "select distinct on (user_id) user_id, event_id::text from raw.current_events"
                " order by user_id, started_at desc"
            ).fetchall()
        )
    return [Reader(person, latest[person.user_id]) for person in persons if person.user_id in latest]


@contextmanager
def bare(here: Services, body: str) -> Iterator[int]:
    """The bare endpoints in a process of their own; their port."""
    port = free_port()
    (here.folder / "bare.json").write_text(body)
    program = f"from benchmarks.bare_reads import serve; serve({str(here.folder / 'bare.json')!r}, {port})"
    with answering(
        [sys.executable, "-c", program],
        url=f"http://127.0.0.1:{port}/livez",
        log=here.folder / "bare.log",
        cwd=PROJECT,
        environment={"AURORA_POSTGRES_URL": here.url_of("aurora_serving")},
    ):
        yield port


async def rounds_of(
    here: Services, who: Sequence[Reader], options: argparse.Namespace, figures: dict[str, list[float]]
) -> None:
    kept = [get(PREDICTION, token=each.person.token) for each in who]
    queries = [get(f"{EVENTS}/{each.event_id}", token=each.person.token) for each in who]
    with aurora(here, anew=False) as port:
        body = _ask(port, PREDICTION, who[0])
    own = [get(f"/query/{each.person.user_id}/{each.event_id}") for each in who]
    asked = {"kept": (kept, [get("/kept")]), "query": (queries, own)}
    for number in range(options.rounds):
        for name, (ours, theirs) in asked.items():
            with aurora(here, anew=False) as port:
                speed = await _per_second(port, ours, options.seconds)
            with bare(here, body) as port:
                plain = await _per_second(port, theirs, options.seconds)
            figures.setdefault(f"{name}: API / bare", []).append(speed / plain)
            figures.setdefault(f"{name}: API, requests/s", []).append(speed)
        console.print(f"  round {number + 1} of {options.rounds}")
    with aurora(here, anew=False) as port:
        await _per_second(port, kept, 1.0)
        for _ in range(options.rounds):
            before = _kept_answers(port)
            load = await at_a_rate(port, MIXED_PER_SECOND, 2 * options.seconds, lambda: _any(who))
            counted = _kept_answers(port) - before
            figures.setdefault("mixed: share of hits", []).append(counted["hit"] / counted.total())
            figures.setdefault("mixed: p95, ms", []).append(load.delay(0.95) * 1000)
            figures.setdefault("mixed: p99, ms", []).append(load.delay(0.99) * 1000)
            bad = sum(count for status, count in load.statuses.items() if status >= 400)
            figures.setdefault("mixed: errors", []).append(bad)


async def _per_second(port: int, requests: Sequence[bytes], seconds: float) -> float:
    """After a second in which everything that can be kept is."""

    def make(client: int) -> bytes:
        return requests[client % len(requests)]

    await hammer(port, CLIENTS, 1.0, make)
    load: Load = await hammer(port, CLIENTS, seconds, make)
    return load.must_be(200).per_second


def _any(who: Sequence[Reader]) -> bytes:
    """What an app asks: mostly for predictions, then for lists, now and then for an event, or it sends one."""
    reader, dice = CHANCE.choice(who), CHANCE.random()
    token = reader.person.token
    if dice < 0.5:
        return get(PREDICTION, token=token)
    if dice < 0.6:
        return get("/api/v1/scores", token=token)
    if dice < 0.8:
        return get(f"{EVENTS}?limit=20", token=token)
    if dice < 0.9:
        return get(f"{EVENTS}/{reader.event_id}", token=token)
    event = {
        "event_id": str(uuid4()),
        "type": "energy.rated",
        "started_at": datetime.now(UTC).isoformat(),
        "source": {"name": "benchmark"},
        "payload": {"energy": 6.5},
    }
    return request(EVENTS, json.dumps(event).encode(), token=token)


def _kept_answers(port: int) -> Counter[str]:
    """How many answers that are kept there were so far, by where they came from."""
    told = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=30).raise_for_status().text
    answers: Counter[str] = Counter()
    for family in text_string_to_metric_families(told):
        for sample in family.samples:
            if sample.name == "aurora_api_kept_answers_total":
                answers[sample.labels["outcome"]] += int(sample.value)
    return answers


def measure_start(here: Services, who: Sequence[Reader], figures: dict[str, list[float]]) -> None:
    began = time.perf_counter()
    with aurora(here, anew=False) as port:
        while httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code != 200:
            time.sleep(0.02)
        figures.setdefault("start: seconds to ready", []).append(time.perf_counter() - began)
        for path in (PREDICTION, "/api/v1/predictions/mood"):
            _ask(port, path, who[0])
        [worker] = {
            connection.pid
            for connection in psutil.net_connections("tcp")
            if connection.laddr and connection.laddr.port == port and connection.status == "LISTEN"
        }
        size = psutil.Process(worker).memory_info().rss / 2**20
        figures.setdefault("start: worker with both models, MB", []).append(size)


def _ask(port: int, path: str, reader: Reader) -> str:
    headers = {"Authorization": f"Bearer {reader.person.token}"}
    return httpx.get(f"http://127.0.0.1:{port}{path}", headers=headers, timeout=30).raise_for_status().text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=3.0, help="of load on each server and round")
    options = parser.parse_args()
    figures: dict[str, list[float]] = {}
    with services() as here:
        here.simulate(options.people, options.days)
        here.build()
        people = TrainedPeople(here)
        for spec in MODELS.values():
            people.train(spec)
        who = readers(here, people)
        asyncio.run(rounds_of(here, who, options, figures))
        for _ in range(options.rounds):
            measure_start(here, who, figures)
    _print(figures)


def _print(figures: dict[str, list[float]]) -> None:
    table = Table("figure", "median", "range", "aim")
    for name, values in figures.items():
        told: list[Any] = [f"{value:,.3g}" for value in (statistics.median(values), min(values), max(values))]
        table.add_row(name, told[0], f"{told[1]} – {told[2]}", AIMS.get(name, ""))
    Console(highlight=False).print(table)


if __name__ == "__main__":
    main()
