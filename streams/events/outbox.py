"""The outbox in Postgres: what is due, what is in flight, and what became of each message.

A row goes unpublished → in flight (`published_at`) → consumed (`consumed_at`, written with the message's
effect). What is in flight and gets lost goes back to unpublished: that is the whole recovery.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import class_row, tuple_row

Connection = psycopg.AsyncConnection[Any]

RELAY_LOCK: Final = 7_001_002
"""Advisory lock of the one relay that is at work."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    outbox_id: int
    topic: str
    user_id: UUID
    body: dict[str, Any]
    position: int


@dataclass(frozen=True)
class Backlog:
    """How far the way from the log to live state is behind."""

    pending: int
    oldest_pending_seconds: float
    in_flight: int
    oldest_in_flight_seconds: float


@dataclass(frozen=True)
class StreamsStatus:
    """What `aurora streams status` shows."""

    backlog: Backlog
    has_relay: bool
    later: int
    consumed_last_hour: int
    median_delay_seconds: float | None
    p95_delay_seconds: float | None
    dead_letters: int
    people: int


# The condition of being in flight is spelled out in each statement: as text it matches the partial index, as
# a parameter it would not.

# A position that a row has been given before stays with it, so that no reader's cursor ever skips a row.
_DUE: Final[LiteralString] = """
    select outbox_id, topic, user_id, body, coalesce(position, nextval('raw.outbox_positions')) as position
    from (
        select * from raw.outbox
        where published_at is null and due_at <= now()
        order by outbox_id
        limit %(most)s
    ) as due
"""

_PUBLISHED: Final[LiteralString] = """
    update raw.outbox
    set published_at = clock_timestamp(), position = acked.position
    from unnest(%(ids)s::bigint[], %(positions)s::bigint[]) as acked (outbox_id, position)
    where outbox.outbox_id = acked.outbox_id
"""

_LOST: Final[LiteralString] = """
    update raw.outbox set published_at = null
    where
        published_at is not null and consumed_at is null and topic = 'aurora.events.accepted.v1'
        and published_at < clock_timestamp() - %(longer_than)s
"""

_ROOM: Final[LiteralString] = """
    select count(*) from (
        select from raw.outbox
        where published_at is not null and consumed_at is null and topic = 'aurora.events.accepted.v1'
        limit %(most)s
    ) as in_flight
"""

_BACKLOG: Final[LiteralString] = """
    select
        pending.messages, coalesce(pending.seconds, 0)::float8,
        in_flight.messages, coalesce(in_flight.seconds, 0)::float8
    from (
        select count(*) as messages, extract(epoch from clock_timestamp() - min(due_at)) as seconds
        from raw.outbox where published_at is null and due_at <= now()
    ) as pending, (
        select count(*) as messages, extract(epoch from clock_timestamp() - min(published_at)) as seconds
        from raw.outbox
        where published_at is not null and consumed_at is null and topic = 'aurora.events.accepted.v1'
    ) as in_flight
"""

_STATUS: Final[LiteralString] = """
    select
        exists (
            select from pg_locks
            where locktype = 'advisory' and granted and classid = 0 and objid = %(lock)s
            and database = (select oid from pg_database where datname = current_database())
        ),
        (select count(*) from raw.outbox where published_at is null and due_at > now()),
        recent.messages, recent.median, recent.p95,
        (select count(*) from raw.rejected_events where source = 'streams'),
        (select count(*) from app.users where deleted_at is null)
    from (
        select
            count(*) as messages,
            percentile_cont(0.5) within group (order by delays.seconds) as median,
            percentile_cont(0.95) within group (order by delays.seconds) as p95
        from (
            select extract(epoch from consumed_at - greatest(created_at, due_at))::float8 as seconds
            from raw.outbox where published_at > now() - interval '1 hour' and consumed_at is not null
        ) as delays
    ) as recent
"""

_CONSUMED: Final[LiteralString] = """
    update raw.outbox set consumed_at = clock_timestamp()
    where outbox_id = any(%(ids)s) and consumed_at is null
"""

_KNOWN: Final[LiteralString] = """
    select outbox_id from raw.outbox where outbox_id = any(%(ids)s) and consumed_at is not null
"""


async def take_lock(connection: Connection) -> bool:
    """Become the one relay, as long as this connection lives; False when another one is."""
    cursor = await connection.execute("select pg_try_advisory_lock(%s)", (RELAY_LOCK,))
    row = await cursor.fetchone()
    return bool(row and row[0])


async def read_due(connection: Connection, most: int) -> list[OutboxRow]:
    """The oldest unpublished rows, each with the position that it will have."""
    async with connection.cursor(row_factory=class_row(OutboxRow)) as cursor:
        await cursor.execute(_DUE, {"most": most})
        return await cursor.fetchall()


async def mark_published(connection: Connection, rows: Sequence[OutboxRow]) -> None:
    """Note that the broker has acknowledged these rows."""
    parameters = {
        "ids": [row.outbox_id for row in rows],
        "positions": [row.position for row in rows],
    }
    await connection.execute(_PUBLISHED, parameters)


async def give_up_in_flight(connection: Connection, longer_than: timedelta) -> int:
    """Make unpublished again what has been in flight for longer; how many rows."""
    return (await connection.execute(_LOST, {"longer_than": longer_than})).rowcount


async def count_in_flight(connection: Connection, most: int) -> int:
    """How many messages lie in the broker without an effect yet; counted up to `most`."""
    cursor = await connection.cursor(row_factory=tuple_row).execute(_ROOM, {"most": most})
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def read_backlog(connection: Connection) -> Backlog:
    cursor = await connection.cursor(row_factory=tuple_row).execute(_BACKLOG)
    row = await cursor.fetchone()
    return Backlog(*row) if row else Backlog(0, 0.0, 0, 0.0)


async def read_status(connection: Connection) -> StreamsStatus:
    backlog = await read_backlog(connection)
    cursor = await connection.cursor(row_factory=tuple_row).execute(_STATUS, {"lock": RELAY_LOCK})
    row = await cursor.fetchone()
    if row is None:
        raise RuntimeError("a query of one row gave none")
    return StreamsStatus(backlog, *row)


async def ask_what_is_consumed(
    connection: Connection, ids: Collection[int]
) -> psycopg.AsyncCursor[tuple[int]]:
    """Ask for those of these messages whose effect has happened: the broker delivers at least once.

    In a pipeline the answer comes with that of the others.
    """
    return await connection.cursor(row_factory=tuple_row).execute(_KNOWN, {"ids": list(ids)})


async def mark_consumed(connection: Connection, ids: Collection[int]) -> None:
    """Note, in the transaction of the effect, that these messages are done with."""
    if ids:
        await connection.execute(_CONSUMED, {"ids": list(ids)})
