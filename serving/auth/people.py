"""People as the API knows them: rows of `app.users`, and the person behind a request."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import dict_row

from aurora import clock
from aurora.events.ciphertext import new_person_key, open_text, seal_text, unwrap
from aurora.models.catalogue import REAL_COHORT
from serving.database import Connection
from serving.errors import UsernameTakenError

INSERT_PERSON: Final[LiteralString] = """
    insert into app.users
        (user_id, username, password_hash, display_name, tz, cohort, data_key_ciphertext, email_ciphertext)
    values (
        %(user_id)s, %(username)s, %(password_hash)s, %(display_name)s, %(tz)s, %(cohort)s, %(key)s, %(email)s
    )
"""

_READ_LOGIN: Final[LiteralString] = """
    select user_id, password_hash from app.users
    where username in (%(username)s, lower(%(username)s)) and deleted_at is null
    order by username = %(username)s desc
    limit 1
"""

# A login lives as long as one of its refresh tokens is not revoked. Asked at every request: a logout on one
# worker is true on all of them at once.
_READ_PEOPLE: Final[LiteralString] = """
    select
        login.family_id, users.user_id, users.username, users.display_name, users.tz, users.cohort,
        users.data_key_ciphertext, users.email_ciphertext, users.created_at
    from unnest(%(user_ids)s::uuid[], %(family_ids)s::uuid[]) as login (user_id, family_id)
    inner join app.users as users on users.user_id = login.user_id
    where users.deleted_at is null and exists (
        select from app.sessions
        where sessions.family_id = login.family_id and sessions.user_id = users.user_id and revoked_at is null
    )
"""


@dataclass(frozen=True)
class Person:
    """The person behind a request."""

    user_id: UUID
    username: str
    display_name: str | None
    tz: str
    cohort: str
    data_key_ciphertext: bytes
    email_ciphertext: bytes | None
    created_at: datetime

    def data_key(self, system_key: str) -> bytes:
        return unwrap(system_key, self.user_id, self.data_key_ciphertext)

    def email(self, system_key: str) -> str | None:
        if self.email_ciphertext is None:
            return None
        return open_text(self.data_key(system_key), self.user_id, self.email_ciphertext)


def new_person_row(
    *,
    username: str,
    password_hash: str,
    tz: str,
    system_key: str,
    email: str | None = None,
    display_name: str | None = None,
    cohort: str = REAL_COHORT,
) -> dict[str, Any]:
    """The values of INSERT_PERSON. UnknownTimeZoneError when there is no such zone.

    An address that nobody has confirmed is stored and nothing more: it cannot be used to log in, and cannot
    keep its real owner from registering it.
    """
    clock.zone(tz)
    user_id = uuid4()
    key = new_person_key(system_key, user_id)
    sealed = seal_text(unwrap(system_key, user_id, key), user_id, email) if email else None
    return {
        "user_id": user_id,
        "username": username,
        "password_hash": password_hash,
        "display_name": display_name,
        "tz": tz,
        "cohort": cohort,
        "key": key,
        "email": sealed,
    }


async def insert_person(connection: Connection, row: dict[str, Any]) -> None:
    """Add a person; UsernameTakenError when there is one of that name."""
    try:
        await connection.execute(INSERT_PERSON, row)
    except psycopg.errors.UniqueViolation:
        raise UsernameTakenError from None


async def find_login(connection: Connection, username: str) -> tuple[UUID | None, str | None]:
    """Id and password hash of a user name; nothing twice when there is none."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_READ_LOGIN, {"username": username})
        row = await cursor.fetchone()
    return (row["user_id"], row["password_hash"]) if row else (None, None)


async def find_person(connection: Connection, user_id: UUID, family_id: UUID) -> Person | None:
    """The person of a login that is still open."""
    return (await find_people(connection, {(user_id, family_id)})).get((user_id, family_id))


async def find_people(
    connection: Connection, logins: Collection[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], Person]:
    """Those of these logins (person, family) that are still open, and who they are."""
    wanted = {
        "user_ids": [user_id for user_id, _ in logins],
        "family_ids": [family_id for _, family_id in logins],
    }
    cursor = await connection.execute(_READ_PEOPLE, wanted)
    people = [(family_id, Person(*values)) for family_id, *values in await cursor.fetchall()]
    return {(person.user_id, family_id): person for family_id, person in people}
