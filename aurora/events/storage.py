"""The way into the log: accepted events, their keys, touched days and outbox rows in one transaction.

One SQL statement serves every way in. A request hands its few events over as JSON; an import and a long batch
copy many into a temporary table of the same columns first. Nothing is read before it is written, so two clients
that send the same event at the same time cannot both be told that it was accepted. Keys are taken in their own
order, so two transactions that want the same ones wait for each other and never in a circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from operator import attrgetter
from typing import Any, Final, Literal, cast
from uuid import UUID

import orjson
import psycopg
from psycopg import sql

from aurora import clock
from aurora.database.partitions import KnownMonths
from aurora.events.acceptance import AcceptedEvent, Rejected
from aurora.events.ciphertext import seal_note
from aurora.events.copied_rows import ROW_COLUMNS, rows_of
from aurora.events.storing_statements import (
    INCOMING_COLUMNS,
    announce_days,
    copied,
    copy_into_copied,
    create_copied,
    drop_copied,
    other_versions,
    store_copied_rows,
    store_given,
    store_new_rows,
    store_statement,
    unseen_given,
    unseen_statement,
)

Outcome = Literal["accepted", "duplicate", "superseded", "conflict"]

COPIED_FROM: Final = 200
"""So many events of one call are copied into a temporary table. Below that JSON is quicker; far above it, Postgres
would join what it takes for a hundred rows in a nested loop."""

_EVENT_COLUMNS: Final = [
    name for name in INCOMING_COLUMNS if name not in {"ordinal", "note_ciphertext", "batch_id"}
]
_event_values: Final = attrgetter(*_EVENT_COLUMNS)


async def store_events(
    connection: psycopg.AsyncConnection[Any],
    events: Sequence[AcceptedEvent],
    *,
    keys: Mapping[UUID, bytes] | None = None,
    months: KnownMonths | None = None,
    patience: str | None = None,
    copied_from: int = COPIED_FROM,
) -> list[Outcome]:
    """Store live events of one or more people; the outcome of each, in order.

    Runs in the caller's transaction: when that rolls back nothing was accepted. Fewer than `copied_from` events in
    months that are known are one statement, which on a connection in autocommit is a transaction of its own.
    Missing monthly partitions are made; `months` remembers those that are there. `keys` are the data keys of people
    whose events have a note, by their ids: ValueError without one. `patience` is the lock_timeout of the statement.
    """
    if not events:
        return []
    keys = keys or {}
    await ensure_months(connection, events, months or KnownMonths())
    if len(events) >= copied_from:
        return await _store_copied(connection, events, keys)
    incoming = {"incoming": _as_json(events, keys)}
    cursor = await connection.execute(store_given(), incoming | {"patience": patience}, prepare=True)
    outcomes: dict[int, Outcome | None] = dict(await cursor.fetchall())
    unseen = [ordinal for ordinal, outcome in outcomes.items() if outcome is None]
    if unseen:
        # Another transaction wrote the same key while this statement waited for it: a new snapshot sees it.
        cursor = await connection.execute(unseen_given(), incoming | {"ordinals": unseen})
        outcomes |= {ordinal: _outcome_of_twin(is_same) for ordinal, is_same in await cursor.fetchall()}
    return [cast("Outcome", outcomes[ordinal]) for ordinal in range(1, len(events) + 1)]


async def _store_copied(
    connection: psycopg.AsyncConnection[Any], events: Sequence[AcceptedEvent], keys: Mapping[UUID, bytes]
) -> list[Outcome]:
    """The same by way of a temporary table: Postgres knows how many rows it has, and plans for many."""
    await connection.execute(create_copied())
    async with connection.cursor().copy(copy_into_copied(ROW_COLUMNS)) as copy:
        await copy.write(rows_of(events, keys))
    if await _are_new(connection, events):
        await connection.execute(drop_copied())
        return ["accepted"] * len(events)
    cursor = await connection.execute(store_copied_rows())
    outcomes: dict[int, Outcome | None] = dict(await cursor.fetchall())
    unseen = [ordinal for ordinal, outcome in outcomes.items() if outcome is None]
    if unseen:
        cursor = await connection.execute(unseen_statement(copied(), unseen))
        outcomes |= {ordinal: _outcome_of_twin(is_same) for ordinal, is_same in await cursor.fetchall()}
    await connection.execute(drop_copied())
    return [cast("Outcome", outcomes[ordinal]) for ordinal in range(1, len(events) + 1)]


async def _are_new(connection: psycopg.AsyncConnection[Any], events: Sequence[AcceptedEvent]) -> bool:
    """Store the copied events if all are new, each another one; else nothing, and all has to be compared."""
    if len({(event.user_id, event.event_id) for event in events}) < len(events):
        return False
    are_new = False
    # A key that is taken already fails the log, which has the same one.
    with suppress(psycopg.errors.UniqueViolation):
        async with connection.transaction() as attempt:
            cursor = await connection.execute(store_new_rows())
            if await cursor.fetchone() == (len(events),):
                cursor = await connection.execute(other_versions())
                are_new = await cursor.fetchone() == (False,)
            if not are_new:
                raise psycopg.Rollback(attempt)
    return are_new


async def ensure_months(
    connection: psycopg.AsyncConnection[Any], events: Iterable[AcceptedEvent], months: KnownMonths
) -> None:
    """Have the partitions made that these events need."""
    today = clock.now().date()
    for month in months.unknown(event.started_at for event in events):
        cursor = await connection.execute("select raw.ensure_event_partition(%s)", (month,))
        if await cursor.fetchone() == (False,):
            months.note(month, today=today)


def store_incoming(
    connection: psycopg.Connection[Any], table: str, *, today: date
) -> dict[Outcome, list[int]]:
    """Store the events that an import has copied into the temporary `table` (columns: INCOMING_COLUMNS).

    The caller has made the partitions. Returns the ordinals of each outcome.
    """
    incoming = sql.SQL("{} as incoming").format(sql.Identifier(table))
    ordinals: dict[Outcome, list[int]] = {"accepted": [], "duplicate": [], "superseded": [], "conflict": []}
    unseen = []
    for ordinal, outcome in connection.execute(store_statement(incoming, announce_days(today))).fetchall():
        (unseen if outcome is None else ordinals[outcome]).append(ordinal)
    if unseen:
        for ordinal, is_same in connection.execute(unseen_statement(incoming, unseen)).fetchall():
            ordinals[_outcome_of_twin(is_same)].append(ordinal)
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
    row["note_ciphertext"] = seal_note(person_key, event.event_id, event.note)
    row["ordinal"], row["batch_id"] = ordinal, batch_id
    return {name: row.get(name) for name in INCOMING_COLUMNS}


def _outcome_of_twin(is_same: bool) -> Outcome:  # noqa: FBT001  # the one thing that is asked
    return "duplicate" if is_same else "conflict"


def _as_json(events: Sequence[AcceptedEvent], keys: Mapping[UUID, bytes]) -> str:
    """The events as a JSON array. An event as it is has the names of the columns; its note never goes along."""
    rows = [
        incoming_row(ordinal, event, person_key=keys.get(event.user_id)) if event.note else event
        for ordinal, event in enumerate(events)
    ]
    return orjson.dumps(rows, default=_bytea).decode()


def _bytea(value: object) -> str:
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    raise TypeError(f"{type(value).__name__} has no place in an event")
