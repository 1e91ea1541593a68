"""Rebuild live tiles from the log: for one person, or for all of them in bulk.

Only Redis is written. The agent may be at work meanwhile: each person's tiles are written by one at a time,
and whoever comes later has read more of the log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import psycopg
from redis.asyncio import Redis

from aurora import clock
from aurora.features.live import live_days, put_all, read_logs
from aurora.features.packing import KEPT
from aurora.features.tiles import tiles_of
from aurora.features.vector import Moment
from aurora.models.catalogue import MODELS
from streams.features.live_tiles import days_to_fill
from streams.features.people import Person, take_turns
from streams.notices import prediction_key

PEOPLE_AT_ONCE: Final = 200


async def rebuild(
    connection: psycopg.AsyncConnection[Any],
    redis: Redis,
    people: Sequence[Person],
    *,
    told: Callable[[int], None] = lambda _done: None,
) -> int:
    """Fill these people's tiles anew; how many events they hold. `told` hears how many people are done."""
    events = 0
    for start in range(0, len(people), PEOPLE_AT_ONCE):
        some = people[start : start + PEOPLE_AT_ONCE]
        async with connection.transaction():
            events += await _rebuild_some(connection, redis, some)
        told(start + len(some))
    return events


async def _rebuild_some(
    connection: psycopg.AsyncConnection[Any], redis: Redis, people: Sequence[Person]
) -> int:
    await take_turns(connection, [person.user_id for person in people])
    as_of = clock.now()
    today = {person: Moment.at(as_of, person.tz).local_date for person in people}
    logs = await read_logs(
        connection, {person.user_id: days_to_fill(today[person]) for person in people}, as_of
    )
    async with redis.pipeline(transaction=True) as pipe:
        for person in people:
            put_all(pipe, person.user_id, tiles_of(logs[person.user_id], KEPT), since=live_days(today[person])[0])
            # What was predicted from the tiles before is no longer the answer.
            pipe.delete(*(prediction_key(person.user_id, model) for model in MODELS))
        await pipe.execute()
    return sum(len(events) for events in logs.values())
