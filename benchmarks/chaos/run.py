"""One run of chaos: strike, wait, compare. What it is for is said in `benchmarks/chaos/__main__.py`."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from redis.asyncio import Redis
from rich.table import Table

from aurora import clock
from aurora.features.catalogue import FEATURES
from aurora.features.live import read_tiles
from aurora.features.vector import Moment, vector
from benchmarks.chaos.clients import Account, Clients, Posts
from benchmarks.chaos.system import ChaosSystem
from pipelines.transformation.warehouse import build_warehouse

DRAIN_SECONDS: Final = 180
Tell = Callable[[str], None]


@dataclass
class Verdict:
    """What chaos came to. Everything in `faults` must be zero."""

    kills: dict[str, int]
    figures: dict[str, float | int | str] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        return not any(self.faults.values())


async def run_chaos(
    *, kills: int, rate: float, seconds_between: float, seed: int, people: int = 10, tell: Tell
) -> Verdict:
    """Everything from the start of the system to the verdict."""
    with ChaosSystem.running() as system:
        clients = Clients(system.api, people=people, per_second=rate, seed=seed)
        await clients.log_in()
        stopped, began = asyncio.Event(), time.monotonic()
        posting = asyncio.create_task(clients.post_until(stopped))
        verdict = Verdict(await _strike(system, kills, seconds_between, seed, tell))
        await asyncio.sleep(seconds_between)
        stopped.set()
        tell("waiting for the last answers")
        await posting
        verdict.figures |= _figures(clients.posts, time.monotonic() - began)
        tell("waiting until every message had its effect")
        verdict.figures["seconds until all had its effect"] = round(await _drain(system), 1)
        verdict.faults |= _compare_with_log(system, clients.posts)
        tell("building the warehouse")
        verdict.faults["live vectors unlike the batch"] = await _unlike_batch(system, clients.people)
        verdict.figures["live vectors compared"] = len(clients.people)
    return verdict


async def _strike(
    system: ChaosSystem, kills: int, seconds_between: float, seed: int, tell: Tell
) -> dict[str, int]:
    """Each kill so many times, in a shuffled order; how often each was done."""
    todo = [name for name in system.kills for _ in range(kills)]
    random.Random(seed).shuffle(todo)  # noqa: S311  # an order, not a secret
    done = dict.fromkeys(system.kills, 0)
    for number, name in enumerate(todo):
        until = time.monotonic() + seconds_between
        while time.monotonic() < until:
            await asyncio.to_thread(system.supervise)
            await asyncio.sleep(0.2)
        tell(f"kill {number + 1} of {len(todo)}: {name}")
        await asyncio.to_thread(system.kills[name])
        done[name] += 1
    return done


def _figures(posts: Posts, seconds: float) -> dict[str, float | int | str]:
    return {
        "events acknowledged": len(posts.acknowledged),
        "acknowledged a second": round(len(posts.acknowledged) / seconds, 1),
        "outcomes": ", ".join(f"{count} {name}" for name, count in sorted(posts.outcomes.items())),
        "requests sent again": posts.repeats,
        "slowest until acknowledged, seconds": round(posts.slowest_seconds, 1),
    }


async def _drain(system: ChaosSystem) -> float:
    """Wait until no message is without effect; how long it took."""
    began = time.monotonic()
    while time.monotonic() - began < DRAIN_SECONDS:
        await asyncio.to_thread(system.supervise)
        waiting = system.rows("select count(*) from raw.outbox where consumed_at is null and due_at <= now()")
        if waiting == [(0,)]:
            break
        await asyncio.sleep(0.5)
    return time.monotonic() - began


def _compare_with_log(system: ChaosSystem, posts: Posts) -> dict[str, int]:
    """What was lost, and what came twice, by the tables."""
    logged: dict[tuple[str, str, int], list[Any]] = {}
    for user_id, event_id, version, payload in system.rows(
        "select user_id::text, event_id::text, version, payload from raw.events"
    ):
        logged.setdefault((user_id, event_id, version), []).append(payload)
    [(announced_twice,)] = system.rows(
        "select count(*) from (select from raw.outbox where body ? 'event_id'"
        " group by user_id, body ->> 'event_id', body ->> 'version' having count(*) > 1) as twice"
    )
    [(unannounced,)] = system.rows(
        "select count(*) from raw.events where not exists (select from raw.outbox where"
        " outbox.user_id = events.user_id and body ->> 'event_id' = events.event_id::text"
        " and (body ->> 'version')::int = events.version)"
    )
    [(without_effect,)] = system.rows(
        "select count(*) from raw.outbox where consumed_at is null and due_at <= now()"
    )
    [(dead,)] = system.rows("select count(*) from raw.rejected_events")
    return {
        "acknowledged and not in the log": sum(key not in logged for key in posts.acknowledged),
        "acknowledged and stored with another body": sum(
            logged[key][0] != payload for key, payload in posts.acknowledged.items() if key in logged
        ),
        "stored twice": sum(len(bodies) > 1 for bodies in logged.values()),
        "announced twice": announced_twice,
        "stored and not announced": unannounced,
        "messages without effect": without_effect,
        "dead letters": dead,
        "answers that no retry can mend": len(posts.refused),
        "events given up": posts.given_up,
    }


_VECTORS: Final = """
    select * from intermediate.int_moments
    inner join features.moment_features using (user_id, local_date, as_of, precision)
    where user_id = %s and local_date = %s and precision = 'day'
"""


async def _unlike_batch(system: ChaosSystem, people: list[Account]) -> int:
    """How many people's vectors, out of the tiles in Redis, differ from the warehouse's.

    Both at the next local midnight, when everything that was posted has happened. An effect that came twice, or not
    at all, would show in a count or a sum.
    """
    tomorrow = clock.now() + timedelta(days=1)
    report = await asyncio.to_thread(
        build_warehouse, system.pipelines_url, data_dir=system.folder / "warehouse", now=tomorrow
    )
    if not report.is_good:
        raise RuntimeError(f"the warehouse does not build: {[bad.name for bad in report.bad]}")
    unlike = 0
    async with (
        Redis.from_url(system.redis.url()) as redis,
        await psycopg.AsyncConnection.connect(system.database) as connection,
    ):
        cursor = connection.cursor(row_factory=dict_row)
        for person in people:
            day = clock.local_date(tomorrow, person.tz)
            tiles = await read_tiles(redis, UUID(person.user_id))
            await cursor.execute(_VECTORS.encode(), (person.user_id, day))
            row = await cursor.fetchone()
            if tiles is None or row is None:
                unlike += 1
                continue
            live = vector(tiles, Moment.of_day(day, person.tz))
            unlike += not all(_is_same(live[name], row[name]) for name in FEATURES)
    return unlike


def _is_same(live: float | None, batch: float | None) -> bool:
    if live is None or batch is None:
        return live is batch
    return math.isclose(live, batch, rel_tol=1e-9, abs_tol=1e-9)


def report(verdict: Verdict) -> Table:
    """The verdict as a table."""
    table = Table("what", "how many", title="chaos")
    for name, count in verdict.kills.items():
        table.add_row(f"killed: {name}", str(count))
    table.add_section()
    for name, figure in verdict.figures.items():
        table.add_row(name, f"{figure:,}" if isinstance(figure, int) else str(figure))
    table.add_section()
    for name, fault in verdict.faults.items():
        table.add_row(name, f"[{'red' if fault else 'green'}]{fault}[/]")
    return table
