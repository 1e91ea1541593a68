"""Sessions: one row per refresh token, and a family of them per login.

A refresh token works once. Used again after the grace it was stolen or leaked: the whole family is revoked,
and with it every access token that it gave out.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, LiteralString
from uuid import UUID, uuid4

from psycopg.rows import dict_row

from serving.database import Connection

_ADD: Final[LiteralString] = """
    insert into app.sessions (session_id, user_id, family_id, refresh_hash, created_at, expires_at)
    values (%(session_id)s, %(user_id)s, %(family_id)s, %(refresh_hash)s, %(now)s, %(expires_at)s)
"""
# The lock makes twins queue up: the second one sees that the first has rotated it.
_FIND: Final[LiteralString] = """
    select session_id, user_id, family_id, expires_at, rotated_at, revoked_at
    from app.sessions where refresh_hash = %(refresh_hash)s for update
"""
_ROTATE: Final[LiteralString] = (
    "update app.sessions set rotated_at = %(now)s where session_id = %(session_id)s"
)
_REVOKE: Final[LiteralString] = """
    update app.sessions set revoked_at = now() where family_id = %(family_id)s and revoked_at is null
"""
_REVOKED: Final[LiteralString] = """
    select family_id from unnest(%(family_ids)s::uuid[]) as asked (family_id)
    where not exists (
        select from app.sessions where sessions.family_id = asked.family_id and revoked_at is null
    )
"""

Refusal = Literal["unknown", "expired", "revoked", "twin", "reused"]


@dataclass(frozen=True)
class Rotated:
    """A refresh token that was good: whose it was."""

    user_id: UUID
    family_id: UUID


def digest(token: str) -> bytes:
    """What is stored of a refresh token."""
    return hashlib.sha256(token.encode()).digest()


async def add_session(
    connection: Connection, *, user_id: UUID, family_id: UUID, token: str, now: datetime, lifetime: timedelta
) -> None:
    row: dict[str, Any] = {
        "session_id": uuid4(),
        "user_id": user_id,
        "family_id": family_id,
        "refresh_hash": digest(token),
        "now": now,
        "expires_at": now + lifetime,
    }
    await connection.execute(_ADD, row)


async def rotate(connection: Connection, token: str, *, now: datetime, grace: timedelta) -> Rotated | Refusal:
    """Use up a refresh token. A reuse revokes its family: commit also when the answer is a refusal."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_FIND, {"refresh_hash": digest(token)})
        found = await cursor.fetchone()
    if found is None:
        return "unknown"
    if found["revoked_at"] is not None:
        return "revoked"
    if found["rotated_at"] is not None:
        # Two tabs of one app refresh at the same moment: the loser asks again with the winner's token.
        if now - found["rotated_at"] <= grace:
            return "twin"
        await revoke_family(connection, found["family_id"])
        return "reused"
    if found["expires_at"] <= now:
        return "expired"
    await connection.execute(_ROTATE, {"now": now, "session_id": found["session_id"]})
    return Rotated(found["user_id"], found["family_id"])


async def revoke_family(connection: Connection, family_id: UUID) -> None:
    """Close a login."""
    await connection.execute(_REVOKE, {"family_id": family_id})


async def closed_families(connection: Connection, family_ids: list[UUID]) -> set[UUID]:
    """Those of these logins that are closed."""
    cursor = await connection.execute(_REVOKED, {"family_ids": family_ids})
    return {row[0] for row in await cursor.fetchall()}
