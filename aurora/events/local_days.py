"""Local days when the zone data change: the events whose day or wall clock would be another now get a new version.

A government may change a zone at short notice, and the pinned data follow. What was accepted before is then
computed anew by the same function as at acceptance, person by person. The body of an event stays what its client
sent, so its body hash does too: that is how one recognises a version that was made here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from aurora import clock
from aurora.database.locks import PATIENCE, session_lock
from aurora.database.zone_data import Pass, advance, begin_pass, computed_with, finish_pass, read_pass
from aurora.errors import AuroraError
from aurora.events.catalogue import EVENT_TYPES
from aurora.events.storage import store_incoming
from aurora.events.storing_statements import INCOMING_COLUMNS, create_incoming

PEOPLE_AT_ONCE: Final = 20
"""One transaction: what a pass that is killed has to do again."""

LOCK: Final = "aurora.recompute_local_days"
_INCOMING: Final = "recomputed_events"

OnPeople = Callable[[int, int], None]
"""Called with how many people this run has looked at, of how many that were left."""


class RecomputationRunningError(AuroraError):
    def __init__(self) -> None:
        super().__init__("another process recomputes local days already; it can be left to it")


@dataclass(frozen=True)
class LocalTimes:
    """What an event's zone decides."""

    local_date: date
    local_started_at: datetime
    local_ended_at: datetime | None
    day_started_at: datetime


@dataclass(frozen=True)
class Recomputation:
    """What a pass over the log found. `moved`: to another local day; `shifted`: only by the wall clock."""

    before: str | None
    version: str
    seen: int = 0
    moved: int = 0
    shifted: int = 0
    was_current: bool = False


def recompute_local_days(
    connection: psycopg.Connection[Any], *, again: bool = False, on_people: OnPeople | None = None
) -> Recomputation:
    """Make the local days of the log agree with the present zone data, on an autocommit connection.

    Nothing is done when they already do, unless `again`. A pass that was killed goes on where it was.
    """
    _borders.cache_clear()
    with session_lock(connection, LOCK, patience=PATIENCE) as is_mine:
        if not is_mine:
            raise RecomputationRunningError
        before, version = computed_with(connection), clock.data_version()
        if before == version and not again:
            return Recomputation(before, version, was_current=True)
        running = begin_pass(connection, version)
        last, done = running.last_user_id, 0
        left = _count_people(connection, last)
        while people := _people_after(connection, last):
            last = people[-1]
            _recompute(connection, people, running)
            done += len(people)
            if on_people is not None:
                on_people(done, left)
        finish_pass(connection, running)
        found = read_pass(connection, version)
        return Recomputation(before, version, found.events_seen, found.events_moved, found.events_shifted)


def local_times_of(event: Mapping[str, Any]) -> LocalTimes:
    """What acceptance would store of this event now."""
    tz = event["tz"]
    if event["precision"] == "day":
        # The source said the day, and its start was computed from it: the day stays.
        day = event["local_date"]
        return LocalTimes(day, event["local_started_at"], event["local_ended_at"], _borders(day, tz)[0])
    started_at, ended_at = event["started_at"], event["ended_at"]
    kind = EVENT_TYPES.get(event["type"])
    day_of = ended_at if kind is not None and kind.ends_on_its_day and ended_at is not None else started_at
    day = clock.local_date(day_of, tz)
    return LocalTimes(
        local_date=day,
        local_started_at=clock.local_time(started_at, tz),
        local_ended_at=clock.local_time(ended_at, tz) if ended_at else None,
        day_started_at=_borders(day, tz)[0],
    )


def has_changed(event: Mapping[str, Any], times: LocalTimes) -> bool:
    """Whether the log says anything else."""
    return any(event[name] != getattr(times, name) for name in LocalTimes.__dataclass_fields__)


@lru_cache(maxsize=100_000)
def _borders(day: date, tz: str) -> tuple[datetime, datetime]:
    return clock.day_start(day, tz), clock.day_end(day, tz)


def _recompute(connection: psycopg.Connection[Any], people: list[UUID], running: Pass) -> None:
    moved = shifted = seen = 0
    with connection.transaction():
        while True:
            events = _current_events(connection, people)
            changed = [(event, times) for event, times in events if has_changed(event, times)]
            seen = max(seen, len(events))
            if not changed:
                break
            # Of an event whose next version comes from its client at this moment that one is looked at instead.
            stored = _store(connection, changed)
            moved += sum(1 for event, times in stored if event["local_date"] != times.local_date)
            shifted += sum(1 for event, times in stored if event["local_date"] == times.local_date)
        _move_borders(connection, people, [event for event, _ in events])
        advance(connection, running, people[-1], seen=seen, moved=moved, shifted=shifted)


def _current_events(
    connection: psycopg.Connection[Any], people: list[UUID]
) -> list[tuple[dict[str, Any], LocalTimes]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_READ, (people,)).fetchall()
    return [(row, local_times_of(row)) for row in rows]


def _store(
    connection: psycopg.Connection[Any], changed: list[tuple[dict[str, Any], LocalTimes]]
) -> list[tuple[dict[str, Any], LocalTimes]]:
    """The next version of these events; those that were stored."""
    received_at = clock.now()
    connection.execute(_CREATE_CHANGED)
    with connection.cursor() as cursor, cursor.copy(_COPY_CHANGED) as copy:
        for ordinal, (event, times) in enumerate(changed):
            copy.write_row(
                (
                    ordinal,
                    event["user_id"],
                    event["event_id"],
                    event["version"],
                    event["started_at"],
                    times.local_date,
                    times.local_started_at,
                    times.local_ended_at,
                    *_borders(times.local_date, event["tz"]),
                )
            )
    connection.execute(create_incoming(_INCOMING))
    connection.execute(_FILL_INCOMING, {"received_at": received_at})
    outcomes = store_incoming(connection, _INCOMING, today=received_at.date())
    connection.execute(sql.SQL("drop table {}, changed_events").format(sql.Identifier(_INCOMING)))
    return [changed[ordinal] for ordinal in outcomes["accepted"]]


def _move_borders(
    connection: psycopg.Connection[Any], people: list[UUID], events: Iterable[Mapping[str, Any]]
) -> None:
    """Local days whose borders lie elsewhere now, in the zone that they were made in and in every other one in which
    their person was seen that day.
    """
    zones: dict[tuple[UUID, date], list[str]] = {}
    for event in events:
        zones.setdefault((event["user_id"], event["local_date"]), []).append(event["tz"])
    days = connection.execute(_READ_DAYS, (people,)).fetchall()
    with connection.cursor() as cursor:
        stale = []
        for user_id, day, made_in, *stored in days:
            possible = {_borders(day, tz) for tz in [made_in, *zones.get((user_id, day), ())]}
            if tuple(stored) not in possible:
                stale.append((*_borders(day, made_in), user_id, day, user_id, day))
        cursor.executemany(_MOVE_BORDERS, stale)


def _people_after(connection: psycopg.Connection[Any], last: UUID | None) -> list[UUID]:
    rows = connection.execute(
        "select distinct user_id from raw.user_days where %(last)s::uuid is null or user_id > %(last)s"
        " order by user_id limit %(limit)s",
        {"last": last, "limit": PEOPLE_AT_ONCE},
    ).fetchall()
    return [user_id for (user_id,) in rows]


def _count_people(connection: psycopg.Connection[Any], after: UUID | None) -> int:
    row = connection.execute(
        "select count(distinct user_id) from raw.user_days where %(after)s::uuid is null or user_id > %(after)s",
        {"after": after},
    ).fetchone()
    return row[0] if row else 0


_READ: Final = """
    select
        user_id, event_id, version, type, started_at, ended_at, tz, precision, local_date, local_started_at,
        local_ended_at, day_started_at
    from raw.current_events
    where user_id = any(%s)
"""

_CREATE_CHANGED: Final = """
    create temporary table changed_events (
        ordinal bigint, user_id uuid, event_id uuid, version integer, started_at timestamptz, local_date date,
        local_started_at timestamp, local_ended_at timestamp, day_started_at timestamptz,
        day_ended_at timestamptz
    ) on commit drop
"""

_COPY_CHANGED: Final = "copy changed_events from stdin"

_NEW: Final[dict[str, LiteralString]] = {
    "ordinal": "changed.ordinal",
    "version": "events.version + 1",
    "local_date": "changed.local_date",
    "local_started_at": "changed.local_started_at",
    "local_ended_at": "changed.local_ended_at",
    "day_started_at": "changed.day_started_at",
    "day_ended_at": "changed.day_ended_at",
    "received_at": "%(received_at)s",
    # What a person was told before rested on the old day: that it is another is known from now on.
    "known_at": "%(received_at)s",
    "available_at": "greatest(%(received_at)s, coalesce(events.ended_at, events.started_at))",
    "batch_id": "null",
}
"""What differs from the version before; all the rest is copied within the database, ciphertext included."""

_FILL_INCOMING: Final = sql.SQL(
    "insert into {incoming} ({columns}) select {values} from changed_events as changed"  # pyright: ignore[reportArgumentType]
    " inner join raw.events as events using (user_id, event_id, version, started_at)"
).format(
    incoming=sql.Identifier(_INCOMING),
    columns=sql.SQL(", ").join(map(sql.Identifier, INCOMING_COLUMNS)),
    values=sql.SQL(", ").join(
        sql.SQL(_NEW[name]) if name in _NEW else sql.Identifier("events", name) for name in INCOMING_COLUMNS
    ),
)

_READ_DAYS: Final = """
    select user_id, local_date, tz, day_started_at, day_ended_at
    from raw.user_days
    where user_id = any(%s)
"""

_MOVE_BORDERS: Final = """
    with moved as (
        update raw.user_days set day_started_at = %s, day_ended_at = %s where user_id = %s and local_date = %s
    )
    insert into raw.touched_days (user_id, local_date) values (%s, %s) on conflict do nothing
"""
