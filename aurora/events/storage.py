"""The way into the log: accepted events, their keys, touched days and outbox rows in one transaction.

One SQL statement serves every way in. A request hands its few events over as JSON; an import and a long batch
copy many into a temporary table of the same columns first. Nothing is read before it is written, so two clients
that send the same event at the same time cannot both be told that it was accepted. Keys are taken in their own
order, so two transactions that want the same ones wait for each other and never in a circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from operator import attrgetter
from typing import Any, Final, Literal, LiteralString, cast
from uuid import UUID

import psycopg
from psycopg import sql
from pydantic_core import to_json

from aurora.database.partitions import month_of
from aurora.events.acceptance import AcceptedEvent, Rejected
from aurora.events.ciphertext import seal_text
from aurora.topics import EVENTS_ACCEPTED

Outcome = Literal["accepted", "duplicate", "superseded", "conflict"]

LIVE_DAYS: Final = 28
"""Days that live state reaches back. Older days are the warehouse's alone and need no message."""

COPIED_FROM: Final = 200
"""So many events of one call are copied into a temporary table. Below that JSON is quicker; far above it, Postgres
would join what it takes for a hundred rows in a nested loop."""

_COPIED: Final = "incoming_live_events"

INCOMING_COLUMNS: Final[dict[str, str]] = {
    "ordinal": "bigint",
    "user_id": "uuid",
    "event_id": "uuid",
    "version": "integer",
    "type": "text",
    "schema_version": "integer",
    "started_at": "timestamptz",
    "ended_at": "timestamptz",
    "tz": "text",
    "local_date": "date",
    "local_started_at": "timestamp",
    "local_ended_at": "timestamp",
    "day_started_at": "timestamptz",
    "day_ended_at": "timestamptz",
    "precision": "text",
    "source_name": "text",
    "source_record_id": "text",
    "source_device": "text",
    "modality": "text",
    "form_id": "text",
    "payload": "jsonb",
    "note_ciphertext": "bytea",
    "is_deleted": "boolean",
    "body_hash": "bytea",
    "received_at": "timestamptz",
    "known_at": "timestamptz",
    "available_at": "timestamptz",
    "batch_id": "uuid",
}
"""The columns of one incoming event, in the order of a COPY into the temporary table."""

_EVENT_COLUMNS: Final = [
    name for name in INCOMING_COLUMNS if name not in {"ordinal", "note_ciphertext", "batch_id"}
]
_event_values: Final = attrgetter(*_EVENT_COLUMNS)

_LOG_COLUMNS: Final = [name for name in INCOMING_COLUMNS if name not in {"ordinal", "day_ended_at"}]

_STORE: Final = """
with

incoming as (

    select * from {incoming}

),

-- The first of several equal (id, version) in one batch is the one that counts.
first_of_version as (

    select distinct on (user_id, event_id, version) *
    from incoming
    order by user_id, event_id, version, ordinal

),

new_keys as (

    insert into raw.event_keys (user_id, event_id, version, body_hash, started_at, local_date)
    select user_id, event_id, version, body_hash, started_at, local_date
    from first_of_version
    on conflict do nothing
    returning user_id, event_id, version

),

new_events as (

    select first_of_version.*
    from first_of_version
    inner join new_keys using (user_id, event_id, version)

),

logged as (

    insert into raw.events ({columns})
    select {columns} from new_events

),

-- A correction may move an event to another day: the day it leaves has changed as well.
changed_days as (

    select user_id, local_date from new_events
    union
    select event_keys.user_id, event_keys.local_date
    from raw.event_keys as event_keys
    inner join new_events using (user_id, event_id)

),

touched as (

    insert into raw.touched_days (user_id, local_date)
    select user_id, local_date from changed_days
    on conflict do nothing

),

days as (

    insert into raw.user_days (user_id, local_date, day_started_at, day_ended_at)
    select distinct on (user_id, local_date) user_id, local_date, day_started_at, day_ended_at
    from new_events
    order by user_id, local_date, ordinal
    on conflict do nothing

),

announced as (

    insert into raw.outbox (topic, user_id, body, due_at)
    {announcement}
    -- What lies ahead (an appointment, a device's fast clock, an arrival lag) counts from then on.
    union all
    select distinct on (user_id, local_date, available_at)
        {topic}, user_id,
        jsonb_build_object('user_id', user_id, 'local_date', local_date, 'received_at', available_at),
        available_at
    from new_events
    where available_at > received_at

),

highest as (

    select user_id, event_id, max(version) as version
    from (
        select user_id, event_id, version from incoming
        union all
        select event_keys.user_id, event_keys.event_id, event_keys.version
        from raw.event_keys as event_keys
        inner join incoming using (user_id, event_id)
    ) as versions
    group by user_id, event_id

)

select
    incoming.ordinal,
    case
        when new_events.ordinal = incoming.ordinal and incoming.version < highest.version then 'superseded'
        when new_events.ordinal = incoming.ordinal then 'accepted'
        when coalesce(event_keys.body_hash, new_events.body_hash) = incoming.body_hash then 'duplicate'
        when coalesce(event_keys.body_hash, new_events.body_hash) is not null then 'conflict'
    end as outcome
from incoming
left join new_events using (user_id, event_id, version)
left join raw.event_keys as event_keys using (user_id, event_id, version)
inner join highest on incoming.user_id = highest.user_id and incoming.event_id = highest.event_id
"""

# One message an event, so that its effect can be told by id.
_ANNOUNCE_EVENTS: Final = """
    select
        {topic}, user_id,
        jsonb_build_object(
            'user_id', user_id, 'event_id', event_id, 'version', version, 'type', type,
            'local_date', local_date, 'received_at', received_at
        ),
        now()
    from new_events
"""

# An import touches thousands of events a day: one message a person and day, and only of days that live
# state still reaches.
_ANNOUNCE_DAYS: Final = """
    select
        {topic}, user_id,
        jsonb_build_object('user_id', user_id, 'local_date', local_date, 'received_at', now()),
        now()
    from changed_days
    where local_date >= {live_since}
"""

_UNSEEN: Final = """
select incoming.ordinal, event_keys.body_hash = incoming.body_hash
from {incoming}
inner join raw.event_keys as event_keys using (user_id, event_id, version)
where incoming.ordinal = any({ordinals}::bigint[])
"""


async def store_events(
    connection: psycopg.AsyncConnection[Any],
    events: Sequence[AcceptedEvent],
    *,
    person_key: bytes | None = None,
    person_keys: Mapping[UUID, bytes] | None = None,
) -> list[Outcome]:
    """Store live events of one or more people; the outcome of each, in order.

    Runs in the caller's transaction: when that rolls back nothing was accepted. The person's key (or, of
    several people, `person_keys` by id) is needed as soon as an event has a note. Missing monthly partitions
    are made.
    """
    if not events:
        return []
    keys = person_keys or {}
    rows = [
        incoming_row(ordinal, event, person_key=person_key or keys.get(event.user_id))
        for ordinal, event in enumerate(events)
    ]
    if len(rows) >= COPIED_FROM:
        return await _store_copied(connection, events, rows)
    incoming = {"incoming": _as_json(rows)}
    # Statements that do not depend on each other's answers travel together.
    async with connection.pipeline():
        await ensure_months(connection, events)
        cursor = await connection.execute(_store_given(), incoming)
        await connection.execute("notify aurora_outbox")
        outcomes: dict[int, Outcome | None] = dict(await cursor.fetchall())
    unseen = [ordinal for ordinal, outcome in outcomes.items() if outcome is None]
    if unseen:
        # Another transaction wrote the same key while this statement waited for it: a new snapshot sees it.
        cursor = await connection.execute(_unseen_given(), incoming | {"ordinals": unseen})
        outcomes |= {ordinal: _outcome_of_twin(is_same) for ordinal, is_same in await cursor.fetchall()}
    return [cast("Outcome", outcomes[ordinal]) for ordinal in range(len(events))]


async def _store_copied(
    connection: psycopg.AsyncConnection[Any],
    events: Sequence[AcceptedEvent],
    rows: Sequence[dict[str, Any]],
) -> list[Outcome]:
    """The same by way of a temporary table: Postgres knows how many rows it has, and plans for many."""
    await ensure_months(connection, events)
    await connection.execute(_create_copied())
    async with connection.cursor().copy(_copy_into_copied()) as copy:
        for row in rows:
            row["payload"] = to_json(row["payload"]).decode()
            await copy.write_row([*row.values()])
    cursor = await connection.execute(_store_copied_rows())
    outcomes: dict[int, Outcome | None] = dict(await cursor.fetchall())
    unseen = [ordinal for ordinal, outcome in outcomes.items() if outcome is None]
    if unseen:
        cursor = await connection.execute(_unseen_statement(_copied(), unseen))
        outcomes |= {ordinal: _outcome_of_twin(is_same) for ordinal, is_same in await cursor.fetchall()}
    await connection.execute(sql.SQL("drop table {}").format(sql.Identifier(_COPIED)))
    await connection.execute("notify aurora_outbox")
    return [cast("Outcome", outcomes[ordinal]) for ordinal in range(len(events))]


async def ensure_months(connection: psycopg.AsyncConnection[Any], events: Iterable[AcceptedEvent]) -> None:
    """Have the partitions made that these events need."""
    for month in sorted({month_of(event.started_at) for event in events}):
        await connection.execute("select raw.ensure_event_partition(%s)", (month,))


def store_incoming(
    connection: psycopg.Connection[Any], table: str, *, today: date
) -> dict[Outcome, list[int]]:
    """Store the events that an import has copied into the temporary `table` (columns: INCOMING_COLUMNS).

    The caller has made the partitions. Returns the ordinals of each outcome.
    """
    announcement = sql.SQL(_ANNOUNCE_DAYS).format(
        topic=sql.Literal(EVENTS_ACCEPTED), live_since=sql.Literal(today - timedelta(days=LIVE_DAYS))
    )
    incoming = sql.SQL("{} as incoming").format(sql.Identifier(table))
    ordinals: dict[Outcome, list[int]] = {"accepted": [], "duplicate": [], "superseded": [], "conflict": []}
    unseen = []
    for ordinal, outcome in connection.execute(store_statement(incoming, announcement)).fetchall():
        (unseen if outcome is None else ordinals[outcome]).append(ordinal)
    if unseen:
        for ordinal, is_same in connection.execute(_unseen_statement(incoming, unseen)).fetchall():
            ordinals[_outcome_of_twin(is_same)].append(ordinal)
    connection.execute("notify aurora_outbox")
    return ordinals


async def store_rejected(
    connection: psycopg.AsyncConnection[Any], user_id: UUID | None, source: str, rejected: Iterable[Rejected]
) -> None:
    """Keep what could not be accepted, whole, so that it can be replayed after a fix."""
    rows = [(user_id, source, item.code, item.reason, item.body.replace("\x00", "")) for item in rejected]
    if rows:
        async with connection.cursor() as cursor:
            await cursor.executemany(
                "insert into raw.rejected_events (user_id, source, reason_code, reason, body)"
                " values (%s, %s, %s, %s, %s)",
                rows,
            )


def incoming_row(
    ordinal: int, event: AcceptedEvent, *, person_key: bytes | None = None, batch_id: UUID | None = None
) -> dict[str, Any]:
    """One event as a row of INCOMING_COLUMNS."""
    row = dict(zip(_EVENT_COLUMNS, _event_values(event), strict=True))
    if event.note:
        if person_key is None:
            raise ValueError("an event with a note needs the person's key")
        row["note_ciphertext"] = seal_text(person_key, event.event_id, event.note)
    row["ordinal"], row["batch_id"] = ordinal, batch_id
    return {name: row.get(name) for name in INCOMING_COLUMNS}


def store_statement(incoming: sql.Composable, announcement: sql.Composable) -> sql.Composed:
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in _LOG_COLUMNS)
    return _statement(
        _STORE,
        incoming=incoming,
        columns=columns,
        announcement=announcement,
        topic=sql.Literal(EVENTS_ACCEPTED),
    )


def create_incoming(table: str) -> sql.Composed:
    """DDL of the temporary table that an import copies into; it is gone with its transaction."""
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(cast("LiteralString", kind)))
        for name, kind in INCOMING_COLUMNS.items()
    )
    return sql.SQL("create temporary table {} ({}) on commit drop").format(sql.Identifier(table), columns)


def _unseen_statement(incoming: sql.Composable, ordinals: list[int]) -> sql.Composed:
    return _statement(_UNSEEN, incoming=incoming, ordinals=sql.Literal(ordinals))


def _outcome_of_twin(is_same: bool) -> Outcome:  # noqa: FBT001  # the one thing that is asked
    return "duplicate" if is_same else "conflict"


@cache
def _store_given() -> sql.Composed:
    """The statement over events that come as the parameter `incoming`: one text, so that it is planned once."""
    announcement = sql.SQL(_ANNOUNCE_EVENTS).format(topic=sql.Literal(EVENTS_ACCEPTED))
    return store_statement(_given(), announcement)


@cache
def _create_copied() -> sql.Composed:
    return create_incoming(_COPIED)


@cache
def _copy_into_copied() -> sql.Composed:
    return sql.SQL("copy {} from stdin").format(sql.Identifier(_COPIED))


@cache
def _store_copied_rows() -> sql.Composed:
    announcement = sql.SQL(_ANNOUNCE_EVENTS).format(topic=sql.Literal(EVENTS_ACCEPTED))
    return store_statement(_copied(), announcement)


def _copied() -> sql.Composed:
    return sql.SQL("{} as incoming").format(sql.Identifier(_COPIED))


@cache
def _unseen_given() -> sql.Composed:
    return _statement(_UNSEEN, incoming=_given(), ordinals=sql.SQL("%(ordinals)s"))


def _given() -> sql.Composed:
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(cast("LiteralString", kind)))
        for name, kind in INCOMING_COLUMNS.items()
    )
    return sql.SQL("jsonb_to_recordset(%(incoming)s::text::jsonb) as incoming ({})").format(columns)


def _as_json(rows: Sequence[dict[str, Any]]) -> str:
    for row in rows:
        for name in ("body_hash", "note_ciphertext"):
            if row[name] is not None:
                row[name] = f"\\x{row[name].hex()}"
    return to_json(rows).decode()


def _statement(template: str, **parts: sql.Composable) -> sql.Composed:
    return sql.SQL(cast("LiteralString", template)).format(**parts)
