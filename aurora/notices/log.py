"""The log of notices in Postgres: one line of positions a person, without a gap, in the order of commits.

Whoever has something to tell appends it in the transaction that made it true: it is told exactly when that
commits, and once. The head of a line is a row that a writer holds until its commit, so that the next writer
waits: position n is never seen before n - 1. A reader that knows its position therefore knows what it missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

import orjson
import psycopg
from psycopg.rows import class_row, tuple_row

from aurora.notices.messages import Notice, Subject

Connection = psycopg.AsyncConnection[Any]

EVERYBODY: Final = UUID(int=0)
"""Whose line the announcements are in."""

KEPT: Final = timedelta(days=3)
"""A reader that was away for longer is told to read the API instead."""


@dataclass(frozen=True, slots=True)
class Head:
    """How long a line is. `epoch` names the line: a log that was lost and begun anew is another line."""

    user_id: UUID
    epoch: str
    position: int


@dataclass(frozen=True, slots=True)
class Written:
    """One notice of the log. `body` is its JSON as it was written."""

    user_id: UUID
    epoch: str
    position: int
    subject: Subject
    body: str
    written_at: datetime


# In one order, so that two writers cannot wait for each other.
_APPEND: Final[LiteralString] = """
    with said as (
        select user_id, subject, body, row_number() over (partition by user_id order by number) as place
        from rows from (json_to_recordset(%(notices)s::json) as (user_id uuid, subject text, body json))
            with ordinality as said (user_id, subject, body, number)
    ),
    heads as (
        insert into app.notice_heads as heads (user_id, epoch, position)
        select user_id, substr(replace(gen_random_uuid()::text, '-', ''), 1, 8), count(*)
        from said group by user_id order by user_id
        on conflict (user_id) do update set position = heads.position + excluded.position
        returning user_id, epoch, position
    ),
    counts as (select user_id, count(*) as notices from said group by user_id),
    written as (
        insert into app.notices (user_id, position, subject, body)
        select user_id, heads.position - counts.notices + said.place, said.subject, said.body
        from said join counts using (user_id) join heads using (user_id)
    )
    select user_id, epoch, position from heads
"""

_HEADS: Final[LiteralString] = (
    "select user_id, epoch, position from app.notice_heads where user_id = any(%(user_ids)s)"
)

_AFTER: Final[LiteralString] = """
    select notices.user_id, epoch, notices.position, subject, body::text as body, written_at
    from unnest(%(user_ids)s::uuid[], %(positions)s::bigint[]) as known (user_id, position)
    join app.notice_heads as heads using (user_id)
    cross join lateral (
        select * from app.notices
        where notices.user_id = known.user_id and notices.position > known.position
        order by notices.position
        limit %(most)s
    ) as notices
    order by notices.user_id, notices.position
"""

_CHANGED: Final[LiteralString] = """
    select heads.user_id, heads.epoch, heads.position
    from unnest(%(user_ids)s::uuid[], %(epochs)s::text[], %(positions)s::bigint[])
        as known (user_id, epoch, position)
    join app.notice_heads as heads using (user_id)
    where (heads.epoch, heads.position) is distinct from (known.epoch, known.position)
"""

_OLDEST: Final[LiteralString] = "select min(position) from app.notices where user_id = %(user_id)s"


async def append(connection: Connection, notices: Iterable[tuple[UUID, Notice]]) -> list[Head]:
    """Write notices in the caller's transaction; where each line will end when it commits."""
    rows = [
        {
            "user_id": user_id,
            "subject": notice.subject,
            "body": orjson.Fragment(notice.model_dump_json(by_alias=True)),
        }
        for user_id, notice in notices
    ]
    if not rows:
        return []
    # One text: arrays of texts would be escaped one by one.
    parameters = {"notices": orjson.dumps(rows).decode()}
    async with connection.cursor(row_factory=class_row(Head)) as cursor:
        await cursor.execute(_APPEND, parameters)
        return await cursor.fetchall()


async def read_heads(connection: Connection, user_ids: Sequence[UUID]) -> dict[UUID, Head]:
    """The heads of these lines; a person who was never told anything has none."""
    async with connection.cursor(row_factory=class_row(Head)) as cursor:
        await cursor.execute(_HEADS, {"user_ids": list(user_ids)})
        return {head.user_id: head for head in await cursor.fetchall()}


async def read_after(connection: Connection, known: Mapping[UUID, int], *, most: int) -> list[Written]:
    """What was told to these people after the positions they know, in order; up to `most` of each."""
    parameters = {"user_ids": list(known), "positions": list(known.values()), "most": most}
    async with connection.cursor(row_factory=class_row(Written)) as cursor:
        await cursor.execute(_AFTER, parameters)
        return await cursor.fetchall()


async def read_changed(connection: Connection, known: Sequence[Head]) -> list[Head]:
    """The heads that are not where the reader believes them."""
    parameters = {
        "user_ids": [head.user_id for head in known],
        "epochs": [head.epoch for head in known],
        "positions": [head.position for head in known],
    }
    async with connection.cursor(row_factory=class_row(Head)) as cursor:
        await cursor.execute(_CHANGED, parameters)
        return await cursor.fetchall()


async def oldest_position(connection: Connection, user_id: UUID) -> int | None:
    """The first position of a line that is still kept."""
    cursor = await connection.cursor(row_factory=tuple_row).execute(_OLDEST, {"user_id": user_id})
    row = await cursor.fetchone()
    return row[0] if row else None
