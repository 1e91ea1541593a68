"""People as the API knows them: rows of `app.users`, and the person behind a request.

Whoever opens or closes logins, makes keys, or touches links locks the person first (`lock_person`): of two who do so
at once the second sees what the first did. Whoever needs all administrators locks them before any one person.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID, uuid4

import psycopg

from aurora import clock
from aurora.events.ciphertext import new_person_key, open_text, seal_text, unwrap
from aurora.models.catalogue import REAL_COHORT
from serving.auth.errors import UsernameTakenError
from serving.auth.roles import Role
from serving.database import Connection

INSERT_PERSON: Final[LiteralString] = """
    insert into app.users
        (user_id, username, password_hash, display_name, tz, cohort, data_key_ciphertext, email_wanted_ciphertext)
    values (
        %(user_id)s, %(username)s, %(password_hash)s, %(display_name)s, %(tz)s, %(cohort)s, %(key)s, %(email)s
    )
"""

# The cost of a hash has two digits behind `$2b$`; an index knows the highest (migration 0018).
_READ_LOGIN: Final[LiteralString] = """
    select login.user_id, login.password_hash, hardest.cost
    from (select max(substr(password_hash, 5, 2)) as cost from app.users) as hardest
    left join (
        select user_id, password_hash from app.users
        where
            (username in (%(username)s, lower(%(username)s)) or email_hash = %(email_hash)s)
            and deleted_at is null
        order by username = %(username)s desc, username = lower(%(username)s) desc
        limit 1
    ) as login on true
"""

# A login lives as long as one of its refresh tokens is not revoked, a key until it is revoked or over. One `exists`
# over both, so that Postgres looks both up by their index and never through the whole of them.
_IS_OPEN: Final[LiteralString] = """
    users.deleted_at is null and exists (
        select 1 from app.sessions
        where sessions.family_id = login.family_id and sessions.user_id = users.user_id and revoked_at is null
        union all
        select 1 from app.api_keys
        where
            api_keys.key_id = login.family_id and api_keys.user_id = users.user_id and revoked_at is null
            and (expires_at is null or expires_at > now())
    )
"""

_READ_PERSON: Final[LiteralString] = f"""
    select
        users.user_id, users.tz, users.data_key_ciphertext, users.email_hash is not null, users.username,
        users.display_name, users.cohort, users.role, users.email_ciphertext, users.email_wanted_ciphertext,
        users.created_at, users.requests_per_minute
    from (values (%(user_id)s::uuid, %(family_id)s::uuid)) as login (user_id, family_id)
    inner join app.users as users on users.user_id = login.user_id
    where {_IS_OPEN}
"""  # noqa: S608  # both parts are our own text

# By their places: the ids are known to whoever asks, and to read them again would cost more than all the rest.
_READ_AUTHORS: Final[LiteralString] = f"""
    select login.place, users.tz, users.data_key_ciphertext, users.email_hash is not null
    from unnest(%(user_ids)s::uuid[], %(family_ids)s::uuid[]) with ordinality as login (user_id, family_id, place)
    inner join app.users as users on users.user_id = login.user_id
    where {_IS_OPEN}
"""  # noqa: S608  # both parts are our own text


_LOCK: Final[LiteralString] = """
    select deleted_at is null and (%(verified)s::text is null or password_hash = %(verified)s)
    from app.users where user_id = %(user_id)s
    for no key update
"""
# All of them, in one order: of two administrators who demote each other, or leave, at once the second waits.
_LOCK_ADMINS: Final[LiteralString] = """
    select user_id from app.users where role = 'admin' and deleted_at is null order by user_id
    for no key update
"""


@dataclass(frozen=True)
class Author:
    """What has to be known of a person to judge and keep their events."""

    user_id: UUID
    tz: str
    data_key_ciphertext: bytes
    has_confirmed_email: bool

    def data_key(self, system_key: str) -> bytes:
        return unwrap(system_key, self.user_id, self.data_key_ciphertext)


@dataclass(frozen=True)
class Person(Author):
    """The person behind a request."""

    username: str
    display_name: str | None
    cohort: str
    role: Role
    email_ciphertext: bytes | None
    email_wanted_ciphertext: bytes | None
    created_at: datetime
    requests_per_minute: int | None
    """Their own quota; None is that of everybody."""

    def email(self, system_key: str) -> str | None:
        """The address that was confirmed."""
        return self._opened(system_key, self.email_ciphertext)

    def wanted_email(self, system_key: str) -> str | None:
        """The address that waits for its confirmation."""
        return self._opened(system_key, self.email_wanted_ciphertext)

    def _opened(self, system_key: str, sealed: bytes | None) -> str | None:
        return open_text(self.data_key(system_key), self.user_id, sealed) if sealed is not None else None


@dataclass(frozen=True)
class FoundLogin:
    """Whose name somebody logs in with, and what is stored of their password; nothing of nobody."""

    user_id: UUID | None
    password_hash: str | None
    hardest_cost: str | None
    """Of all hashes there are: a password takes as long as the hardest, so that no time tells one from another."""


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
    """The values of INSERT_PERSON, with an address that waits for its confirmation.

    UnknownTimeZoneError when there is no such zone.
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


async def lock_person(connection: Connection, user_id: UUID, *, verified: str | None = None) -> bool:
    """Hold a person until the transaction ends. Whether they have an account, and still the hash that was verified."""
    cursor = await connection.execute(_LOCK, {"user_id": user_id, "verified": verified})
    row = await cursor.fetchone()
    return row is not None and row[0]


async def lock_admins(connection: Connection) -> set[UUID]:
    """Who administers. Nobody ceases to be one before the transaction ends."""
    return {user_id for (user_id,) in await (await connection.execute(_LOCK_ADMINS)).fetchall()}


async def find_login(connection: Connection, username: str, email_hash: bytes) -> FoundLogin:
    """Who a user name or a confirmed address belongs to, if to anybody."""
    cursor = await connection.execute(_READ_LOGIN, {"username": username, "email_hash": email_hash})
    [row] = await cursor.fetchall()
    return FoundLogin(*row)


async def read_password_hash(connection: Connection, user_id: UUID) -> str | None:
    """The stored hash of a person's password; None of somebody who has none."""
    cursor = await connection.execute("select password_hash from app.users where user_id = %s", (user_id,))
    row = await cursor.fetchone()
    return row[0] if row else None


async def read_data_key(connection: Connection, user_id: UUID, system_key: str) -> bytes:
    """The data key of a person who exists."""
    cursor = await connection.execute(
        "select data_key_ciphertext from app.users where user_id = %s", (user_id,)
    )
    row = await cursor.fetchone()
    if row is None:
        raise LookupError(f"no person {user_id}")
    return unwrap(system_key, user_id, row[0])


async def replace_password_hash(connection: Connection, user_id: UUID, old: str | None, new: str) -> bool:
    """Store a new hash in place of `old`; False when another one is stored by now."""
    cursor = await connection.execute(
        "update app.users set password_hash = %s"
        " where user_id = %s and password_hash is not distinct from %s and deleted_at is null",
        (new, user_id, old),
    )
    return cursor.rowcount == 1


async def find_person(connection: Connection, user_id: UUID, family_id: UUID) -> Person | None:
    """The person of a login or key that still holds."""
    cursor = await connection.execute(_READ_PERSON, {"user_id": user_id, "family_id": family_id})
    row = await cursor.fetchone()
    return Person(*row) if row else None


async def find_authors(
    connection: Connection, logins: Collection[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], Author]:
    """Those of these logins (person, family) and keys (person, key) that still hold, and what their events need."""
    asked = list(logins)
    wanted = {
        "user_ids": _array(login[0] for login in asked),
        "family_ids": _array(login[1] for login in asked),
    }
    cursor = await connection.execute(_READ_AUTHORS, wanted, prepare=True)
    found = [(asked[place - 1], known) for place, *known in await cursor.fetchall()]
    return {login: Author(login[0], *known) for login, known in found}


def _array(ids: Iterable[UUID]) -> str:
    """An array of ids as Postgres reads it."""
    return f"{{{','.join(map(str, ids))}}}"
