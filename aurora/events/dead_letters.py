"""Dead letters: what could not be accepted, kept whole, to be counted, listed and shown.

`aurora.events.replays` gives them another chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import class_row


@dataclass(frozen=True)
class DeadLetter:
    """One item that was set aside, whole."""

    rejection_id: int
    user_id: UUID | None
    source: str
    reason_code: str
    reason: str
    body: str
    batch_id: UUID | None
    row_number: int | None
    received_at: datetime
    replayed_at: datetime | None
    discarded_at: datetime | None

    @property
    def is_waiting(self) -> bool:
        return self.replayed_at is None and self.discarded_at is None


@dataclass(frozen=True)
class Wanted:
    """Which letters: every condition that is given must hold."""

    reason_code: str | None = None
    source: str | None = None
    since: datetime | None = None
    user_id: UUID | None = None
    rejection_id: int | None = None
    is_waiting: bool = True
    """False asks for the settled ones as well."""


@dataclass(frozen=True)
class LetterCount:
    """How many letters of one source and reason."""

    source: str
    reason_code: str
    letters: int
    oldest: datetime
    newest: datetime


Connection = psycopg.AsyncConnection[Any]


async def list_letters(
    connection: Connection,
    wanted: Wanted,
    *,
    limit: int,
    after: tuple[datetime, int] | None = None,
    is_descending: bool = True,
) -> list[DeadLetter]:
    """By when they came, the newest first or last; `after` is the place of the last letter of the page before."""
    conditions, values = _conditions(wanted)
    if after is not None:
        conditions.append(_BEFORE_PLACE if is_descending else _BEHIND_PLACE)
        values["at"], values["id"] = after
    query = _query(conditions, _NEWEST_FIRST if is_descending else _OLDEST_FIRST)
    return await _read(connection, query, values | {"limit": limit})


async def count_letters(connection: Connection, wanted: Wanted) -> list[LetterCount]:
    """By source and reason, most frequent first."""
    conditions, values = _conditions(wanted)
    query = sql.SQL(
        "select source, reason_code, count(*) as letters, min(received_at) as oldest,"
        " max(received_at) as newest from raw.rejected_events where {conditions}"
        " group by source, reason_code order by letters desc, source, reason_code"
    ).format(conditions=_all_of(conditions))
    async with connection.cursor(row_factory=class_row(LetterCount)) as cursor:
        await cursor.execute(query, values)
        return await cursor.fetchall()


async def read_letter(
    connection: Connection, rejection_id: int, user_id: UUID | None = None
) -> DeadLetter | None:
    """One letter, waiting or settled; with `user_id` only that person's own."""
    found = await list_letters(
        connection, Wanted(rejection_id=rejection_id, user_id=user_id, is_waiting=False), limit=1
    )
    return found[0] if found else None


async def discard_letter(connection: Connection, letter: DeadLetter) -> None:
    """Its person wants nothing of it any more. It is kept and does not wait any longer."""
    await connection.execute(
        "update raw.rejected_events set discarded_at = coalesce(discarded_at, now()) where rejection_id = %s"
        " and replayed_at is null",
        (letter.rejection_id,),
    )


async def take_letters(connection: Connection, wanted: Wanted, *, after: int, limit: int) -> list[DeadLetter]:
    """The next waiting letters, in the hands of this transaction; those in other hands are passed over."""
    conditions, values = _conditions(wanted)
    conditions.extend((_AFTER, _WAITING))
    query = _query(conditions, "order by rejection_id limit %(limit)s for update skip locked")
    return await _read(connection, query, values | {"after": after, "limit": limit})


_AFTER: Final[LiteralString] = "rejection_id > %(after)s"
_BEFORE_PLACE: Final[LiteralString] = "(received_at, rejection_id) < (%(at)s, %(id)s)"
_BEHIND_PLACE: Final[LiteralString] = "(received_at, rejection_id) > (%(at)s, %(id)s)"
_NEWEST_FIRST: Final[LiteralString] = "order by received_at desc, rejection_id desc limit %(limit)s"
_OLDEST_FIRST: Final[LiteralString] = "order by received_at, rejection_id limit %(limit)s"
_WAITING: Final[LiteralString] = "replayed_at is null and discarded_at is null"
_CONDITIONS: Final[dict[str, LiteralString]] = {
    "reason_code": "reason_code = %(reason_code)s",
    "source": "source = %(source)s",
    "since": "received_at >= %(since)s",
    "user_id": "user_id = %(user_id)s",
    "rejection_id": "rejection_id = %(rejection_id)s",
}


def _conditions(wanted: Wanted) -> tuple[list[LiteralString], dict[str, Any]]:
    values = {name: getattr(wanted, name) for name in _CONDITIONS if getattr(wanted, name) is not None}
    conditions: list[LiteralString] = [_CONDITIONS[name] for name in values]
    if wanted.is_waiting:
        conditions.append(_WAITING)
    return conditions, values


def _all_of(conditions: Sequence[LiteralString]) -> sql.Composed | sql.SQL:
    return sql.SQL(" and ").join(map(sql.SQL, conditions)) if conditions else sql.SQL("true")


def _query(conditions: Sequence[LiteralString], rest: LiteralString) -> sql.Composed:
    return sql.SQL(
        "select rejection_id, user_id, source, reason_code, reason, body, batch_id, row_number, received_at,"
        " replayed_at, discarded_at from raw.rejected_events where {conditions} {rest}"
    ).format(conditions=_all_of(conditions), rest=sql.SQL(rest))


async def _read(connection: Connection, query: sql.Composed, values: dict[str, Any]) -> list[DeadLetter]:
    async with connection.cursor(row_factory=class_row(DeadLetter)) as cursor:
        await cursor.execute(query, values)
        return await cursor.fetchall()
