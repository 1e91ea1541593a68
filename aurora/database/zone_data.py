"""Which version of the zone data the local days of the log were computed with.

Events are computed with the data of the process that accepts them. When these change, a pass over the log makes
the older ones agree (`aurora.events.local_days`); a row of `raw.zone_data` says which pass was the last.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from aurora import clock


@dataclass(frozen=True)
class Pass:
    """One pass over the log, finished or under way."""

    tzdata_version: str
    started_at: datetime
    last_user_id: UUID | None
    events_seen: int
    events_moved: int
    events_shifted: int


def computed_with(connection: psycopg.Connection[Any]) -> str | None:
    """The zone data that the whole log agrees with; None for a log from before this was noted."""
    row = connection.execute(
        "select tzdata_version from raw.zone_data where state = 'done' order by finished_at desc limit 1"
    ).fetchone()
    return row[0] if row else None


def note_zone_data_of_an_empty_log(connection: psycopg.Connection[Any]) -> None:
    """A log without events agrees with any data. Migrating calls this."""
    connection.execute(
        "insert into raw.zone_data (tzdata_version, state, finished_at)"
        " select %s, 'done', now()"
        " where not exists (select from raw.zone_data) and not exists (select from raw.event_keys)",
        (clock.data_version(),),
    )


def begin_pass(connection: psycopg.Connection[Any], version: str) -> Pass:
    """The pass for this version that was interrupted, or a new one."""
    connection.execute(
        "insert into raw.zone_data (tzdata_version, state)"
        " select %(version)s, 'running' where not exists ("
        " select from raw.zone_data where tzdata_version = %(version)s and state = 'running')",
        {"version": version},
    )
    return read_pass(connection, version)


def read_pass(connection: psycopg.Connection[Any], version: str) -> Pass:
    """The newest pass for this version."""
    with connection.cursor(row_factory=class_row(Pass)) as cursor:
        found = cursor.execute(
            "select tzdata_version, started_at, last_user_id, events_seen, events_moved, events_shifted"
            " from raw.zone_data where tzdata_version = %s order by started_at desc limit 1",
            (version,),
        ).fetchone()
    assert found is not None  # noqa: S101  # begun before
    return found


def advance(
    connection: psycopg.Connection[Any],
    running: Pass,
    last_user_id: UUID,
    *,
    seen: int,
    moved: int,
    shifted: int,
) -> None:
    """Note how far the pass is, in the transaction of what it wrote."""
    connection.execute(
        "update raw.zone_data set last_user_id = %s, events_seen = events_seen + %s,"
        " events_moved = events_moved + %s, events_shifted = events_shifted + %s"
        " where tzdata_version = %s and started_at = %s",
        (last_user_id, seen, moved, shifted, running.tzdata_version, running.started_at),
    )


def finish_pass(connection: psycopg.Connection[Any], running: Pass) -> None:
    connection.execute(
        "update raw.zone_data set state = 'done', finished_at = clock_timestamp()"
        " where tzdata_version = %s and started_at = %s",
        (running.tzdata_version, running.started_at),
    )
