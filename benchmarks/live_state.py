"""What live state takes: bytes of tiles a person in Redis, and how fast everybody's are filled.

    python -m benchmarks.live_state [--people 60] [--days 35]

Simulated people, so a day has about twenty events. The size is Redis's own `MEMORY USAGE` of the key, against
that of the same tiles as fixed-width numbers, a field a day. The speed of filling from the warehouse is against
that of reading the log.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Mapping
from datetime import date
from statistics import mean
from typing import Annotated, Any, Final

import psycopg
import typer
from redis.asyncio import Redis
from rich.console import Console
from rich.table import Table

from aurora.database.grants import STREAMS
from aurora.features.live import read_tiles_of_many, tiles_key
from aurora.features.tiles import Tile
from benchmarks.services import Services, services
from streams.features.people import Person, read_everybody
from streams.features.rebuild import Rebuilt, rebuild

console = Console(highlight=False)
_FIXED: Final = struct.Struct("<HIqqqqq16s")


def main(
    people: Annotated[int, typer.Option(help="How many people to simulate")] = 60,
    days: Annotated[int, typer.Option(help="How many days of their lives")] = 35,
) -> None:
    """Measure the size of live state and the speed of filling it."""
    with services() as here:
        here.simulate(people, days)
        here.build()
        asyncio.run(_measure(here))


async def _measure(here: Services) -> None:
    async with (
        await psycopg.AsyncConnection.connect(here.url_of(STREAMS)) as connection,
        Redis.from_url(here.redis_url) as redis,
    ):
        everybody = await read_everybody(connection)
        await connection.commit()
        from_log = await _rebuild(connection, redis, everybody, from_log=True)
        from_warehouse = await _rebuild(connection, redis, everybody, from_log=False)
        table = Table("filled from", "people/s", "× the log", box=None)
        for seconds, rebuilt in (from_log, from_warehouse):
            speed = f"{rebuilt.people / seconds:,.0f}"
            table.add_row(rebuilt.source, speed, f"{from_log[0] / seconds:.1f}")
        console.print(table)
        packed, fixed = await _sizes(redis, everybody)
        sizes = Table("tiles of 28 days a person", "mean bytes", "most", "× fixed width", box=None)
        sizes.add_row(
            "packed, a field a week",
            f"{mean(packed):,.0f}",
            f"{max(packed):,}",
            f"{mean(packed) / mean(fixed):.2f}",
        )
        sizes.add_row("fixed width, a field a day", f"{mean(fixed):,.0f}", f"{max(fixed):,}", "1")
        console.print(sizes)


async def _rebuild(
    connection: psycopg.AsyncConnection[Any], redis: Redis, people: list[Person], *, from_log: bool
) -> tuple[float, Rebuilt]:
    began = time.perf_counter()
    rebuilt = await rebuild(connection, redis, people, from_log=from_log)
    return time.perf_counter() - began, rebuilt


async def _sizes(redis: Redis, people: list[Person]) -> tuple[list[int], list[int]]:
    """Bytes of each person's key, and of one that holds the same tiles in fixed width."""
    packed, fixed = [], []
    tiles = await read_tiles_of_many(redis, [person.user_id for person in people])
    for user_id, theirs in tiles.items():
        packed.append(await redis.memory_usage(tiles_key(user_id), samples=0))
        days = {day.isoformat(): _fixed_width(of_day) for day, of_day in (theirs or {}).items()}
        if days:
            await redis.hset("fixed", mapping=days)  # pyright: ignore[reportGeneralTypeIssues,reportArgumentType]
            fixed.append(await redis.memory_usage("fixed", samples=0))
            await redis.delete("fixed")
    return packed, fixed


def _fixed_width(tiles: Mapping[str, Tile]) -> bytes:
    start = date(1970, 1, 1).toordinal()
    return b"".join(
        _FIXED.pack(
            number,
            t.n,
            t.sum,
            t.min,
            t.max,
            t.last,
            t.last_at.toordinal() - start,
            t.sum_squares.to_bytes(16, "little"),
        )
        for number, t in enumerate(tiles.values())
    )


if __name__ == "__main__":
    typer.run(main)
