"""Reading the log: the current version of each event, deleted ones left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg import sql
from psycopg.rows import dict_row

from aurora.events.ciphertext import open_text
from serving.auth.people import Person
from serving.database import Connection
from serving.events.schemas import EventRead
from serving.pagination import Order

_COLUMNS: Final[LiteralString] = """
    select
        event_id, version, type, schema_version, started_at, ended_at, tz, local_date, precision,
        source_name, source_record_id, source_device, modality, form_id, payload, note_ciphertext,
        received_at, known_at
    from raw.current_events
    where user_id = %(user_id)s
"""


@dataclass(frozen=True)
class EventFilter:
    """Which events of a person: bounds on `started_at` are inclusive below, exclusive above."""

    type: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def read_events(
    connection: Connection, person: Person, system_key: str, wanted: EventFilter, order: Order, limit: int
) -> list[EventRead]:
    """By when they started."""
    conditions: list[LiteralString] = []
    values: dict[str, Any] = {"user_id": person.user_id, "limit": limit, **order.values()}
    if wanted.type is not None:
        conditions.append("and type = %(type)s")
        values["type"] = wanted.type
    if wanted.since is not None:
        conditions.append("and started_at >= %(since)s")
        values["since"] = wanted.since
    if wanted.until is not None:
        conditions.append("and started_at < %(until)s")
        values["until"] = wanted.until
    ordered = order.sql("started_at", "event_id")
    query = sql.SQL("\n").join(sql.SQL(part) for part in (_COLUMNS, *conditions, ordered, "limit %(limit)s"))
    return await _read(connection, person, system_key, query, values)


async def read_event(
    connection: Connection, person: Person, system_key: str, event_id: UUID
) -> EventRead | None:
    """One event, None when this person has none of this id."""
    query = sql.SQL(_COLUMNS + " and event_id = %(event_id)s")
    found = await _read(
        connection, person, system_key, query, {"user_id": person.user_id, "event_id": event_id}
    )
    return found[0] if found else None


async def read_days(
    connection: Connection, person: Person, system_key: str, first: date, last: date
) -> list[EventRead]:
    """All events of these local days, newest first."""
    query = sql.SQL(
        _COLUMNS + " and local_date between %(first)s and %(last)s order by started_at desc, event_id desc"
    )
    values = {"user_id": person.user_id, "first": first, "last": last}
    return await _read(connection, person, system_key, query, values)


async def _read(
    connection: Connection,
    person: Person,
    system_key: str,
    query: sql.Composed | sql.SQL,
    values: Mapping[str, Any],
) -> list[EventRead]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, values)
        rows = await cursor.fetchall()
    key = person.data_key(system_key) if any(row["note_ciphertext"] for row in rows) else b""
    return [_event(row, key) for row in rows]


def _event(row: Mapping[str, Any], key: bytes) -> EventRead:
    sealed = row["note_ciphertext"]
    source = {
        "name": row["source_name"],
        "record_id": row["source_record_id"],
        "device": row["source_device"],
        "modality": row["modality"],
    }
    note = open_text(key, row["event_id"], sealed) if sealed else None
    return EventRead.model_validate({**row, "source": source, "note": note})
