"""The people whose live state is kept: their zone and cohort, and the turn that a process takes with them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import class_row

Connection = psycopg.AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class Person:
    user_id: UUID
    tz: str
    cohort: str


_READ: Final[LiteralString] = """
    select user_id, tz, cohort from app.users where user_id = any(%(user_ids)s) and deleted_at is null
"""

_ALL: Final[LiteralString] = "select user_id, tz, cohort from app.users where deleted_at is null"

# In one order, so that two processes cannot wait for each other.
_TAKE_TURNS: Final[LiteralString] = """
    select pg_advisory_xact_lock(hashtextextended(user_id::text, 0))
    from (select user_id from unnest(%(user_ids)s::uuid[]) as wanted (user_id) order by user_id) as wanted
"""


async def take_turns(connection: Connection, user_ids: Collection[UUID]) -> None:
    """Be the only one to write these people's live state until the transaction ends.

    Who reads the log after somebody else has written sees more than they did: newer state is never replaced
    by older.
    """
    await connection.execute(_TAKE_TURNS, {"user_ids": list(user_ids)})


async def ask_for_people(connection: Connection, user_ids: Collection[UUID]) -> psycopg.AsyncCursor[Person]:
    """Ask for those of these people who exist; in a pipeline the answer comes with that of the others."""
    cursor = connection.cursor(row_factory=class_row(Person))
    return await cursor.execute(_READ, {"user_ids": list(user_ids)})


async def read_people(connection: Connection, user_ids: Collection[UUID]) -> dict[UUID, Person]:
    """Those of these people who exist."""
    cursor = await ask_for_people(connection, user_ids)
    return {person.user_id: person for person in await cursor.fetchall()}


async def read_everybody(connection: Connection) -> list[Person]:
    async with connection.cursor(row_factory=class_row(Person)) as cursor:
        await cursor.execute(_ALL)
        return await cursor.fetchall()
