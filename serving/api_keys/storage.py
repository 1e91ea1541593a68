"""Rows of `app.api_keys`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from psycopg.rows import class_row

from serving.database import Connection
from serving.pagination import Order

_COUNT: Final[LiteralString] = """
    select count(*) from app.api_keys
    where user_id = %s and revoked_at is null and (expires_at is null or expires_at > now())
"""
_ADD: Final[LiteralString] = """
    insert into app.api_keys (key_id, user_id, name, prefix, key_hash, scopes, created_at, expires_at)
    values (
        %(key_id)s, %(user_id)s, %(name)s, %(prefix)s, %(key_hash)s, %(scopes)s, %(created_at)s, %(expires_at)s
    )
"""
_READ: Final[LiteralString] = """
    select key_id, name, prefix, scopes, created_at, expires_at, last_used_at
    from app.api_keys
    where
        user_id = %(user_id)s and revoked_at is null
"""
_REVOKE: Final[LiteralString] = """
    update app.api_keys set revoked_at = now()
    where user_id = %(user_id)s and key_id = %(key_id)s and revoked_at is null
"""
_REVOKE_ALL: Final[LiteralString] = """
    update app.api_keys set revoked_at = now() where user_id = %s and revoked_at is null
"""


@dataclass(frozen=True)
class StoredKey:
    """A key that was not revoked; it may have expired."""

    key_id: UUID
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


async def count_keys(connection: Connection, user_id: UUID) -> int:
    """How many keys of this person hold. They must be locked: two at once cannot both be the last that may be."""
    [(count,)] = await (await connection.execute(_COUNT, (user_id,))).fetchall()
    return count


async def add_key(connection: Connection, user_id: UUID, key: StoredKey, key_hash: bytes) -> None:
    await connection.execute(_ADD, {**vars(key), "user_id": user_id, "key_hash": key_hash})


async def read_keys(
    connection: Connection, user_id: UUID, *, order: Order, limit: int
) -> Sequence[StoredKey]:
    """A person's keys, by when they were made."""
    query = f"{_READ} {order.sql('created_at', 'key_id')} limit %(limit)s"
    async with connection.cursor(row_factory=class_row(StoredKey)) as cursor:
        await cursor.execute(query, {"user_id": user_id, **order.values(), "limit": limit})
        return await cursor.fetchall()


async def revoke_key(connection: Connection, user_id: UUID, key_id: UUID) -> bool:
    """Whether this person had such a key; from now on it is worth nothing."""
    cursor = await connection.execute(_REVOKE, {"user_id": user_id, "key_id": key_id})
    return cursor.rowcount == 1


async def revoke_all_keys(connection: Connection, user_id: UUID) -> None:
    """Let no key of this person work any more. They must be locked."""
    await connection.execute(_REVOKE_ALL, (user_id,))
