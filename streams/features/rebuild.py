"""Rebuild live tiles: for one person from the log, for everybody in bulk from the warehouse's tiles.

Only Redis is written. The agent may be at work meanwhile: each person's tiles are written by one at a time,
and whoever comes later has read more of the log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from random import Random
from typing import Any, Final, Literal

import psycopg
import structlog
from redis.asyncio import Redis

from aurora import clock
from aurora.features.live import put_all, read_logs
from aurora.features.packing import KEPT
from aurora.features.tiles import tiles_of
from aurora.features.vector import Moment
from aurora.predictions.kept import forget_predictions
from streams.features.built_tiles import DaysOfTiles, read_built_tiles, was_built
from streams.features.live_tiles import days_to_fill
from streams.features.people import Person, take_turns

log = structlog.get_logger(__name__)

Connection = psycopg.AsyncConnection[Any]
Source = Literal["log", "warehouse"]

PEOPLE_AT_ONCE: Final = 200
SAMPLE: Final = 20
"""So many people's tiles are compared with the log before the warehouse's are taken for everybody's."""


@dataclass(frozen=True)
class Rebuilt:
    """What was rebuilt, and out of what."""

    people: int
    tiles: int
    source: Source
    days_from_log: int
    """Days that were touched since the last good build; all of them when the source is the log."""


async def rebuild(
    connection: Connection,
    redis: Redis,
    people: Sequence[Person],
    *,
    from_log: bool = False,
    told: Callable[[int], None] = lambda _done: None,
) -> Rebuilt:
    """Fill these people's tiles anew. `told` hears how many people are done.

    The warehouse's tiles are taken where there was a good build and a sample of them equals the log's; they
    would not after a release that means other things by its measures, until the next build.
    """
    from_warehouse = len(people) > 1 and not from_log and await was_built(connection)
    if from_warehouse and not await _agree(connection, people):
        log.warning("warehouse_tiles_differ_from_log", action="the log is read instead; run `aurora build`")
        from_warehouse = False
    await connection.commit()
    tiles = days_from_log = 0
    for start in range(0, len(people), PEOPLE_AT_ONCE):
        some = people[start : start + PEOPLE_AT_ONCE]
        async with connection.transaction():
            more, days = await _rebuild_some(connection, redis, some, from_warehouse=from_warehouse)
        tiles, days_from_log = tiles + more, days_from_log + days
        told(start + len(some))
    return Rebuilt(len(people), tiles, "warehouse" if from_warehouse else "log", days_from_log)


async def _rebuild_some(
    connection: Connection, redis: Redis, people: Sequence[Person], *, from_warehouse: bool
) -> tuple[int, int]:
    await take_turns(connection, [person.user_id for person in people])
    as_of = clock.now()
    days = _days_to_fill(people, as_of)
    if from_warehouse:
        built, from_log = await read_built_tiles(
            connection, {person.user_id: theirs for person, theirs in days.items()}, as_of
        )
        found = {person: built[person.user_id] for person in people}
    else:
        found, from_log = await _from_log(connection, people, as_of), sum(map(len, days.values()))
    async with redis.pipeline(transaction=True) as pipe:
        for person, tiles in found.items():
            put_all(pipe, person.user_id, tiles, since=days[person][0])
            # What was predicted from the tiles before is no longer the answer.
            forget_predictions(pipe, person.user_id)
        await pipe.execute()
    return sum(len(of_day) for tiles in found.values() for of_day in tiles.values()), from_log


async def _agree(connection: Connection, people: Sequence[Person]) -> bool:
    """Whether the warehouse says the same as the log about a few of these people."""
    some = Random(len(people)).sample(list(people), min(SAMPLE, len(people)))  # noqa: S311  # a sample
    as_of = clock.now()
    wanted = {person.user_id: days for person, days in _days_to_fill(some, as_of).items()}
    built, _ = await read_built_tiles(connection, wanted, as_of)
    logged = await _from_log(connection, some, as_of)
    return all(built[person.user_id] == logged[person] for person in some)


async def _from_log(
    connection: Connection, people: Sequence[Person], as_of: datetime
) -> dict[Person, DaysOfTiles]:
    wanted = {person.user_id: days for person, days in _days_to_fill(people, as_of).items()}
    logs = await read_logs(connection, wanted, as_of)
    return {person: tiles_of(logs[person.user_id], KEPT) for person in people}


def _days_to_fill(people: Sequence[Person], as_of: datetime) -> dict[Person, list[date]]:
    return {person: days_to_fill(Moment.at(as_of, person.tz).local_date) for person in people}
