"""Sessions: one row per refresh token, and a family of them per login, which is what people call a session.

A refresh token works once. Used again after the grace it was stolen or leaked: the whole family is revoked,
and with it every access token that it gave out.

A row that is being added cannot be seen by who closes logins. So whoever adds or revokes one locks the person first:
every function here that does so begins with it, and `add_session` is for who has.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, LiteralString
from uuid import UUID, uuid4

from psycopg.rows import dict_row

from serving.auth.people import lock_person
from serving.database import Connection
from serving.pagination import Order

_ADD: Final[LiteralString] = """
    insert into app.sessions (session_id, user_id, family_id, refresh_hash, created_at, expires_at, user_agent)
    values (
        %(session_id)s, %(user_id)s, %(family_id)s, %(refresh_hash)s, %(now)s, %(expires_at)s, %(user_agent)s
    )
"""
_WHOSE: Final[LiteralString] = "select user_id from app.sessions where refresh_hash = %(refresh_hash)s"
_FIND: Final[LiteralString] = """
    select session_id, user_id, family_id, expires_at, rotated_at, revoked_at, user_agent
    from app.sessions where refresh_hash = %(refresh_hash)s
"""
_ROTATE: Final[LiteralString] = (
    "update app.sessions set rotated_at = %(now)s where session_id = %(session_id)s"
)
_REVOKE: Final[LiteralString] = """
    update app.sessions set revoked_at = now() where family_id = %(family_id)s and revoked_at is null
"""
REVOKE_ALL: Final[LiteralString] = """
    update app.sessions set revoked_at = now()
    where user_id = %(user_id)s and revoked_at is null and family_id is distinct from %(kept)s
"""
_REVOKE_ONE: Final[LiteralString] = """
    update app.sessions set revoked_at = now()
    where user_id = %(user_id)s and family_id = %(family_id)s and revoked_at is null
    returning expires_at > %(now)s
"""
# Of a login the first row says when it began, and the last what holds it open.
_OPEN: Final[LiteralString] = """
    select *
    from (
        select
            family_id,
            (array_agg(user_agent order by created_at desc))[1] as user_agent,
            min(created_at) as started_at,
            max(created_at) as last_refreshed_at,
            max(expires_at) as expires_at
        from app.sessions
        where user_id = %(user_id)s and revoked_at is null
        group by family_id
    ) as logins
    where
        expires_at > %(now)s
"""
_OPEN_BY: Final[dict[str, LiteralString]] = {
    "started_at": "started_at",
    "last_refreshed_at": "last_refreshed_at",
}
# An id that is no login's is a key's.
_REVOKED: Final[LiteralString] = """
    select family_id from unnest(%(family_ids)s::uuid[]) as asked (family_id)
    where not exists (
        select 1 from app.sessions where sessions.family_id = asked.family_id and revoked_at is null
        union all
        select 1 from app.api_keys where api_keys.key_id = asked.family_id and revoked_at is null
    )
"""

Refusal = Literal["unknown", "expired", "revoked", "twin"]


@dataclass(frozen=True)
class Rotated:
    """A refresh token that was good: whose it was."""

    user_id: UUID
    family_id: UUID
    user_agent: str | None


@dataclass(frozen=True)
class Reused:
    """A refresh token that came a second time: whose login was closed for it."""

    user_id: UUID
    family_id: UUID


@dataclass(frozen=True)
class OpenLogin:
    """A login with a refresh token that still works."""

    family_id: UUID
    user_agent: str | None
    started_at: datetime
    last_refreshed_at: datetime
    expires_at: datetime


def digest(token: str) -> bytes:
    """What is stored of a refresh token."""
    return hashlib.sha256(token.encode()).digest()


async def add_session(
    connection: Connection,
    *,
    user_id: UUID,
    family_id: UUID,
    token: str,
    now: datetime,
    lifetime: timedelta,
    user_agent: str | None = None,
) -> None:
    """Add a refresh token. The person must be locked."""
    row: dict[str, Any] = {
        "session_id": uuid4(),
        "user_id": user_id,
        "family_id": family_id,
        "refresh_hash": digest(token),
        "now": now,
        "expires_at": now + lifetime,
        "user_agent": user_agent,
    }
    await connection.execute(_ADD, row)


async def rotate(
    connection: Connection, token: str, *, now: datetime, grace: timedelta
) -> Rotated | Reused | Refusal:
    """Use up a refresh token. A reuse revokes its family: commit also when the answer is a refusal."""
    wanted = {"refresh_hash": digest(token)}
    owner = await (await connection.execute(_WHOSE, wanted)).fetchone()
    # The lock makes twins queue up: the second one sees that the first has rotated it.
    is_open = owner is not None and await lock_person(connection, owner[0])
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_FIND, wanted)
        found = await cursor.fetchone()
    if found is None:
        return "unknown"
    if not is_open or found["revoked_at"] is not None:
        return "revoked"
    if found["rotated_at"] is not None:
        # Two tabs of one app refresh at the same moment: the loser asks again with the winner's token.
        if now - found["rotated_at"] <= grace:
            return "twin"
        await revoke_family(connection, found["user_id"], found["family_id"])
        return Reused(found["user_id"], found["family_id"])
    if found["expires_at"] <= now:
        return "expired"
    await connection.execute(_ROTATE, {"now": now, "session_id": found["session_id"]})
    return Rotated(found["user_id"], found["family_id"], found["user_agent"])


async def revoke_family(connection: Connection, user_id: UUID, family_id: UUID) -> None:
    """Close a login of this person."""
    await lock_person(connection, user_id)
    await connection.execute(_REVOKE, {"family_id": family_id})


async def revoke_all(connection: Connection, user_id: UUID, *, kept: UUID | None = None) -> None:
    """Close every login of a person, but the one `kept`."""
    await lock_person(connection, user_id)
    await connection.execute(REVOKE_ALL, {"user_id": user_id, "kept": kept})


async def revoke_one(connection: Connection, user_id: UUID, family_id: UUID, now: datetime) -> bool:
    """Close a login of this person; False when they have no open one of this id."""
    await lock_person(connection, user_id)
    cursor = await connection.execute(_REVOKE_ONE, {"user_id": user_id, "family_id": family_id, "now": now})
    return any(was_open for (was_open,) in await cursor.fetchall())


async def open_logins(
    connection: Connection,
    user_id: UUID,
    now: datetime,
    *,
    order: Order,
    limit: int,
) -> list[OpenLogin]:
    """The open logins of a person."""
    cursor = await connection.execute(
        f"{_OPEN} {order.sql(_OPEN_BY[order.field], 'family_id')} limit %(limit)s",
        {"user_id": user_id, "now": now, "limit": limit, **order.values()},
    )
    return [OpenLogin(*row) for row in await cursor.fetchall()]


async def closed_families(connection: Connection, family_ids: list[UUID]) -> set[UUID]:
    """Those of these logins and keys that are closed."""
    cursor = await connection.execute(_REVOKED, {"family_ids": family_ids})
    return {row[0] for row in await cursor.fetchall()}
