"""A person's tiles brought up to date: touched local days recomputed from the log, or all of them at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import tuple_row
from redis.asyncio import Redis

from aurora.features.live import live_days, oldest_live_day, put_all, put_days, read_logs, read_stored
from aurora.features.packing import KEPT
from aurora.features.tiles import LoggedEvent, Tile, tiles_of
from aurora.features.vector import Moment
from streams.features.people import Person

DAYS_AHEAD: Final = 2
"""An event carries the date of its own zone, which may be ahead of the person's usual one."""

DAYS_AT_ONCE: Final = 10_000
"""Days of people whose log is read in one go: after Redis lost its data each person of a batch has thirty."""


_DAYS_OF_EVENTS: Final[LiteralString] = """
    select keys.user_id, keys.local_date
    from unnest(%(user_ids)s::uuid[], %(event_ids)s::uuid[]) as corrected (user_id, event_id)
    inner join raw.event_keys as keys using (user_id, event_id)
"""


async def days_of_versions(
    connection: psycopg.AsyncConnection[Any], corrected: Collection[tuple[UUID, UUID]]
) -> list[tuple[UUID, date]]:
    """Every day on which a version of these (person, event) lies: a correction may leave one for another."""
    if not corrected:
        return []
    parameters = {
        "user_ids": [user_id for user_id, _ in corrected],
        "event_ids": [event_id for _, event_id in corrected],
    }
    cursor = await connection.cursor(row_factory=tuple_row).execute(_DAYS_OF_EVENTS, parameters)
    return await cursor.fetchall()


def days_to_fill(today: date) -> list[date]:
    """Every local day that live state holds or will hold once the person's clock gets there."""
    return [*live_days(today), *(today + timedelta(days=ahead) for ahead in range(1, DAYS_AHEAD + 1))]


def days_to_recompute(touched: Collection[date], today: date) -> list[date]:
    """Those of the touched days that live state reaches; older ones are the warehouse's alone."""
    oldest = oldest_live_day(today)
    return [day for day in touched if day >= oldest]


async def refresh_tiles(
    connection: psycopg.AsyncConnection[Any],
    redis: Redis,
    touched: Mapping[Person, Collection[date]],
    as_of: datetime,
) -> dict[UUID, dict[date, Exception]]:
    """Recompute the touched days of these people, and all days of those who are not filled.

    Returns the days that cannot be computed, and why: they stay as they were, and are in nobody's way.
    """
    today = {person: Moment.at(as_of, person.tz).local_date for person in touched}
    since = {person.user_id: oldest_live_day(today[person]) for person in touched}
    days = {person: days_to_recompute(days, today[person]) for person, days in touched.items()}
    # The oldest week as well: a day of it may have left the window.
    stored = await read_stored(redis, {p.user_id: [since[p.user_id], *theirs] for p, theirs in days.items()})
    wanted: dict[UUID, list[date]] = {
        person.user_id: days_to_fill(today[person]) if stored[person.user_id] is None else theirs
        for person, theirs in days.items()
    }
    failed: dict[UUID, dict[date, Exception]] = {}
    for some in _parts(wanted):
        logs = await read_logs(connection, some, as_of)
        async with redis.pipeline(transaction=True) as pipe:
            for user_id, theirs in some.items():
                before = stored[user_id]
                computed, bad = _compute(logs[user_id])
                if bad:
                    failed[user_id] = bad
                if before is None:
                    put_all(pipe, user_id, computed, since=since[user_id])
                else:
                    # A day that has no event any more is removed.
                    changes = {day: computed.get(day, {}) for day in theirs if day not in bad}
                    put_days(pipe, user_id, changes, before, since=since[user_id])
            await pipe.execute()
    return failed


def _parts(days: Mapping[UUID, list[date]]) -> Iterator[dict[UUID, list[date]]]:
    """The same people and days, up to DAYS_AT_ONCE (or one person) at a time: a log of them fits in memory."""
    part: dict[UUID, list[date]] = {}
    count = 0
    for user_id, theirs in days.items():
        if part and count + len(theirs) > DAYS_AT_ONCE:
            yield part
            part, count = {}, 0
        part[user_id] = theirs
        count += len(theirs)
    if part:
        yield part


def _compute(events: Sequence[LoggedEvent]) -> tuple[dict[date, dict[str, Tile]], dict[date, Exception]]:
    """The tiles of the days that can be computed, and what is wrong with the others."""
    try:
        return tiles_of(events, KEPT), {}
    except Exception:  # noqa: BLE001  # whatever one event does to its day, the others have their effect
        return _compute_day_by_day(events)


def _compute_day_by_day(
    events: Sequence[LoggedEvent],
) -> tuple[dict[date, dict[str, Tile]], dict[date, Exception]]:
    by_day: dict[date, list[LoggedEvent]] = defaultdict(list)
    for event in events:
        by_day[event.local_date].append(event)
    computed: dict[date, dict[str, Tile]] = {}
    failed: dict[date, Exception] = {}
    for day, theirs in by_day.items():
        try:
            computed |= tiles_of(theirs, KEPT)
        except Exception as error:  # noqa: BLE001  # it becomes a dead letter
            failed[day] = error
    return computed, failed
