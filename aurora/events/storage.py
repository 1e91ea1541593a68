"""The way into the log: accepted events, their keys, touched days and outbox rows in one transaction.

One SQL statement serves every way in. A request hands its few events over as JSON; an import and a long batch
copy many into a temporary table of the same columns first. Nothing is read before it is written, so two clients
that send the same event at the same time cannot both be told that it was accepted. Keys are taken in their own
order, so two transactions that want the same ones wait for each other and never in a circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from operator import attrgetter
from typing import Any, Final, Literal, cast
from uuid import UUID

import psycopg
from psycopg import sql
from pydantic_core import to_json

from aurora.database.partitions import month_of
from aurora.events.acceptance import AcceptedEvent, Rejected
from aurora.events.ciphertext import seal_text
from aurora.events.storing_statements import (
    COPIED,
    INCOMING_COLUMNS,
    announce_days,
    copied,
    copy_into_copied,
    create_copied,
    store_copied_rows,
    store_given,
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
        cursor = await connection.execute(store_given(), incoming)
        await connection.execute("notify aurora_outbox")
        outcomes: dict[int, Outcome | None] = dict(await cursor.fetchall())
    unseen = [ordinal for ordinal, outcome in outcomes.items() if outcome is None]
    if unseen:
        # Another transaction wrote the same key while this statement waited for it: a new snapshot sees it.
        cursor = await connection.execute(unseen_given(), incoming | {"ordinals": unseen})
        outcomes |= {ordinal: _outcome_of_twin(is_same) for ordinal, is_same in await cursor.fetchall()}
    return [cast("Outcome", outcomes[ordinal]) for ordinal in range(len(events))]


async def _store_copied(
    connection: psycopg.AsyncConnection[Any],
    events: Sequence[AcceptedEvent],
    rows: Sequence[dict[str, Any]],
) -> list[Outcome]:
    """The same by way of a temporary table: Postgres knows how many rows it has, and plans for many."""
    await ensure_months(connection, events)
    await connection.execute(create_copied())
    async with connection.cursor().copy(copy_into_copied()) as copy:
        for row in rows:
            row["payload"] = to_json(row["payload"]).decode()
            await copy.write_row([*row.values()])
    cursor = await connection.execute(store_copied_rows())
    outcomes: dict[int, Outcome | None] = dict(await cursor.fetchall())
    unseen = [ordinal for ordinal, outcome in outcomes.items() if outcome is None]
    if unseen:
        cursor = await connection.execute(unseen_statement(copied(), unseen))
        outcomes |= {ordinal: _outcome_of_twin(is_same) for ordinal, is_same in await cursor.fetchall()}
    await connection.execute(sql.SQL("drop table {}").format(sql.Identifier(COPIED)))
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
    incoming = sql.SQL("{} as incoming").format(sql.Identifier(table))
    ordinals: dict[Outcome, list[int]] = {"accepted": [], "duplicate": [], "superseded": [], "conflict": []}
    unseen = []
    for ordinal, outcome in connection.execute(store_statement(incoming, announce_days(today))).fetchall():
        (unseen if outcome is None else ordinals[outcome]).append(ordinal)
    if unseen:
        for ordinal, is_same in connection.execute(unseen_statement(incoming, unseen)).fetchall():
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


def _outcome_of_twin(is_same: bool) -> Outcome:  # noqa: FBT001  # the one thing that is asked
    return "duplicate" if is_same else "conflict"


def _as_json(rows: Sequence[dict[str, Any]]) -> str:
    for row in rows:
        for name in ("body_hash", "note_ciphertext"):
            if row[name] is not None:
                row[name] = f"\\x{row[name].hex()}"
    return to_json(rows).decode()
