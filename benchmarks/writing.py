"""How fast events get into the log, as ratios to what one could do without AURORA's promises.

    python -m benchmarks.writing [--rounds 3] [--seconds 3] [--clients 64] [--rows 10000] [--json FILE]

Starts a private Postgres (durable: fsync and synchronous commit are on) and a private Redis on loopback, one
worker of each server one after the other, and throws everything away. Every figure is a ratio of two numbers of
one round, the median over the rounds: a busy machine slows both.

- single: `POST /events` of logged-in people: token, login still open, rate limit, validation, Idempotency-Key,
  key, log, touched day, outbox, one commit. Compared with a no-op FastAPI endpoint and with the plain ORM way.
- bulk: `POST /events/batch` with NDJSON, the whole path, compared with a raw COPY of the same rows into a table
  with the partitions and indexes of the log: of the log's rows alone, and of the outbox's as well, in one commit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from aurora.database.partitions import ensure_partitions
from aurora.events.acceptance import AcceptedEvent, validate
from aurora.topics import EVENTS_ACCEPTED
from benchmarks.http_load import Client, Load, hammer, request
from benchmarks.write_services import WriteServices

AIMS = {
    "single / no-op": (0.30, 0.45),
    "single / plain ORM": (3.0, 3.0),
    "bulk / raw COPY, outbox included": (0.3, 0.5),
}
"""The least and the aim of each ratio."""

console = Console(stderr=True)


def an_event(days_ago: float = 0, number: int = 0) -> dict[str, Any]:
    """What apps send: a rating, a night, steps, a mood."""
    at = datetime.now(UTC) - timedelta(days=days_ago)
    kinds: list[dict[str, Any]] = [
        {"type": "energy.rated", "payload": {"energy": 6.5}},
        {"type": "mood.rated", "payload": {"valence": 0.4, "labels": ["calm"]}},
        {"type": "steps.counted", "payload": {"steps": 812}},
        {
            "type": "sleep.recorded",
            "ended_at": at.isoformat(),
            "started_at": (at - timedelta(hours=8)).isoformat(),
            "payload": {"asleep_minutes": 424, "in_bed_minutes": 450, "deep_minutes": 80},
        },
    ]
    source = {"name": "benchmark", "device": "ring", "modality": "sensed"}
    envelope = {"event_id": str(uuid.uuid4()), "started_at": at.isoformat(), "source": source}
    return envelope | {"tz": "Europe/Oslo"} | kinds[number % len(kinds)]


def posts(path: str, tokens: list[str], *, with_key: bool) -> Callable[[int], bytes]:
    """A maker of single posts: each client is a person of their own."""
    template = json.dumps(an_event() | {"event_id": "EVENT-ID"})

    def make(client: int) -> bytes:
        event_id = str(uuid.uuid4())
        more = f"Idempotency-Key: {event_id}\r\n" if with_key else ""
        body = template.replace("EVENT-ID", event_id).encode()
        return request(path, body, token=tokens[client % len(tokens)], more=more)

    return make


async def measure_single(services: WriteServices, options: argparse.Namespace) -> dict[str, float]:
    """One round of single posts: requests a second of each server."""
    results: dict[str, float] = {}
    for name, path in (
        ("noop", "/api/v1/events"),
        ("aurora", "/api/v1/events"),
        ("aurora with Idempotency-Key", "/api/v1/events"),
        ("orm", "/api/v1/events"),
        ("surroundings", "/api/v1/nothing"),
    ):
        with services.server(name.split(" ", maxsplit=1)[0]) as port:
            make = posts(path, services.tokens, with_key="Key" in name)
            await hammer(port, options.clients, min(1.0, options.seconds), make)
            load = (await hammer(port, options.clients, options.seconds, make)).must_be(201)
        results[name] = load.per_second
        _tell(name, load)
    return results


def _tell(name: str, load: Load) -> None:
    delays = f"p50 {load.delay(0.5) * 1000:.1f} ms, p99 {load.delay(0.99) * 1000:.1f} ms"
    console.print(f"  {name}: {load.per_second:,.0f} requests/s, {delays}")


async def measure_bulk(services: WriteServices, options: argparse.Namespace) -> dict[str, float]:
    """One round of bulk: rows a second of the API and of a raw COPY of the rows that it stores."""
    received = [
        an_event(days_ago=number * 60 / options.rows, number=number) for number in range(options.rows)
    ]
    body = "\n".join(json.dumps(event) for event in received).encode()
    log, outbox = _copied(received)
    with services.server("aurora") as port:
        # A first batch makes the partitions and warms up the worker.
        await _post_batch(port, services.tokens[1], body[: body.find(b"\n", 100_000)])
        seconds = await _post_batch(port, services.tokens[0], body)
    times = [datetime.fromisoformat(row["started_at"]) for row in received]
    results = {
        "aurora": options.rows / seconds,
        "copy": options.rows / _copy(services.database, [log], times),
        "copy with outbox": options.rows / _copy(services.database, [log, outbox], times),
    }
    console.print(
        f"  NDJSON: {results['aurora']:,.0f} rows/s; raw COPY: {results['copy']:,.0f} rows/s,"
        f" with the outbox {results['copy with outbox']:,.0f}"
    )
    return results


async def _post_batch(port: int, token: str, body: bytes) -> float:
    wanted = [request("/api/v1/events/batch", body, token=token, media_type="application/x-ndjson")]
    sent = iter(wanted)
    load = Load(0)
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    _, protocol = await loop.create_connection(
        lambda: Client(lambda: next(sent, None), load), "127.0.0.1", port
    )
    await protocol.done
    seconds = time.perf_counter() - began
    load.must_be(200)
    counts: Counter[str] = Counter(json.loads(protocol.last_body)["counts"])
    if set(counts) != {"accepted"}:
        raise RuntimeError(f"a batch of new events was not accepted: {dict(counts)}")
    return seconds


_COLUMNS = (
    "user_id", "event_id", "version", "type", "schema_version", "started_at", "ended_at", "tz", "local_date",
    "local_started_at", "local_ended_at", "day_started_at", "precision", "source_name", "source_record_id",
    "source_device", "modality", "form_id", "payload", "is_deleted", "body_hash", "received_at", "known_at",
    "available_at",
)  # fmt: skip
_ANNOUNCED = ("user_id", "event_id", "version", "type", "local_date", "received_at")


@dataclass(frozen=True)
class Copied:
    """The rows of one table in COPY's text format, made before the clock runs."""

    table: str
    columns: Sequence[str]
    rows: bytes


def _copied(received: list[dict[str, Any]]) -> tuple[Copied, Copied]:
    """What these events are in the log and in the outbox."""
    now = datetime.now(UTC)
    user_id = uuid.uuid4()
    log: list[str] = []
    outbox: list[str] = []
    for event in received:
        judged = validate(event, user_id=user_id, user_tz="UTC", received_at=now, hash_key=b"k" * 32)
        if not isinstance(judged, AcceptedEvent):
            raise TypeError(judged.reason)
        log.append("\t".join(_copy_text(getattr(judged, name)) for name in _COLUMNS))
        told = {name: str(getattr(judged, name)) for name in _ANNOUNCED}
        outbox.append("\t".join((EVENTS_ACCEPTED, str(user_id), json.dumps(told))))
    return (
        Copied("events", _COLUMNS, ("\n".join(log) + "\n").encode()),
        Copied("outbox", ("topic", "user_id", "body"), ("\n".join(outbox) + "\n").encode()),
    )


def _copy_text(value: Any) -> str:
    if value is None:
        return r"\N"
    if isinstance(value, bytes):
        return rf"\\x{value.hex()}"
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _copy(url: str, tables: Sequence[Copied], times: list[datetime]) -> float:
    """Seconds of a COPY into empty twins of these tables, committed once."""
    with psycopg.connect(url) as connection:
        ensure_partitions(connection, times)
        connection.execute("create schema bench")
        connection.execute(
            "create table bench.events (like raw.events including all) partition by range (started_at)"
        )
        connection.execute("create table bench.outbox (like raw.outbox including all)")
        for (name,) in connection.execute(
            "select child.relname from pg_inherits inner join pg_class as child on child.oid = inhrelid"
            " where inhparent = 'raw.events'::regclass"
        ).fetchall():
            connection.execute(_twin_of(connection, name).encode())
        connection.commit()
        began = time.perf_counter()
        for copied in tables:
            statement = f"copy bench.{copied.table} ({', '.join(copied.columns)}) from stdin"
            with connection.cursor().copy(statement.encode()) as copy:
                for at in range(0, len(copied.rows), 65536):
                    copy.write(copied.rows[at : at + 65536])
        connection.commit()
        seconds = time.perf_counter() - began
        connection.execute("drop schema bench cascade")
    return seconds


def _twin_of(connection: psycopg.Connection[Any], name: str) -> str:
    row = connection.execute(
        "select pg_get_expr(relpartbound, oid) from pg_class where oid = %s::regclass", (f"raw.{name}",)
    ).fetchone()
    if row is None:
        raise LookupError(name)
    return f"create table bench.{name} partition of bench.events {row[0]}"


def ratios_of(single: list[dict[str, float]], bulk: list[dict[str, float]]) -> dict[str, float]:
    """The median over the rounds of the ratio within a round."""

    asked = {
        "single / no-op": (single, "aurora", "noop"),
        "single with Idempotency-Key / no-op": (single, "aurora with Idempotency-Key", "noop"),
        "single / no-op inside the API": (single, "aurora", "surroundings"),
        "single / plain ORM": (single, "aurora", "orm"),
        "bulk / raw COPY": (bulk, "aurora", "copy"),
        "bulk / raw COPY, outbox included": (bulk, "aurora", "copy with outbox"),
    }
    return {
        name: statistics.median(found[above] / found[below] for found in rounds)
        for name, (rounds, above, below) in asked.items()
        if rounds
    }


def report(ratios: dict[str, float]) -> None:
    table = Table("ratio", "measured", "at least", "aim")
    for name, value in ratios.items():
        least, aim = AIMS.get(name, (None, None))
        colour = "default" if least is None else "green" if value >= least else "red"
        table.add_row(name, f"[{colour}]{value:.2f}[/]", str(least or ""), str(aim or ""))
    Console().print(table)


async def measure(options: argparse.Namespace) -> dict[str, float]:
    single: list[dict[str, float]] = []
    bulk: list[dict[str, float]] = []
    with WriteServices.running(options.clients) as services:
        for number in range(options.rounds):
            console.print(f"round {number + 1} of {options.rounds}")
            if options.only != "bulk":
                single.append(await measure_single(services, options))
            if options.only != "single":
                bulk.append(await measure_bulk(services, options))
    return ratios_of(single, bulk)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks.writing", description="How fast events get into the log"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of load on each server and round")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--rows", type=int, default=10_000, help="of a batch; 10,000 is the most")
    parser.add_argument("--only", choices=("single", "bulk"))
    parser.add_argument("--json", type=Path, help="write the ratios to this file as well")
    options = parser.parse_args(arguments)
    ratios = asyncio.run(measure(options))
    report(ratios)
    if options.json is not None:
        options.json.write_text(json.dumps(ratios, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
