"""Rows of `app.users` as who administers them sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, LiteralString
from uuid import UUID

from psycopg.rows import class_row

from serving.admin.schemas import AccountRead
from serving.auth.roles import Role
from serving.database import Connection
from serving.pagination import Order

_COLUMNS: Final[LiteralString] = """
    select
        users.user_id, users.username, users.role, users.cohort, users.created_at, users.deleted_at,
        users.requests_per_minute,
        (
            select count(distinct family_id) from app.sessions
            where sessions.user_id = users.user_id and revoked_at is null and expires_at > now()
        ) as open_logins,
        (
            select count(*) from app.api_keys
            where
                api_keys.user_id = users.user_id and revoked_at is null
                and (expires_at is null or expires_at > now())
        ) as api_keys
    from app.users as users
"""
_LIST: Final[LiteralString] = f"""
    {_COLUMNS}
    where
        (%(role)s::text is null or users.role = %(role)s)
        and (%(cohort)s::text is null or users.cohort = %(cohort)s)
        and (%(username)s::text is null or users.username = %(username)s)
"""
_LIST_BY: Final[dict[str, LiteralString]] = {"created_at": "users.created_at", "username": "users.username"}
_ONE: Final[LiteralString] = f"{_COLUMNS} where users.user_id = %(user_id)s"
_CHANGE: Final[LiteralString] = """
    update app.users set role = %(role)s, requests_per_minute = %(requests_per_minute)s
    where user_id = %(user_id)s
"""


@dataclass(frozen=True)
class Wanted:
    """Which accounts; None is any."""

    role: Role | None = None
    cohort: str | None = None
    username: str | None = None


async def list_accounts(
    connection: Connection, wanted: Wanted, order: Order, limit: int
) -> list[AccountRead]:
    query = f"{_LIST} {order.sql(_LIST_BY[order.field], 'users.user_id')} limit %(limit)s"
    async with connection.cursor(row_factory=class_row(AccountRead)) as cursor:
        await cursor.execute(query, {**vars(wanted), **order.values(), "limit": limit})
        return await cursor.fetchall()


async def read_account(connection: Connection, user_id: UUID) -> AccountRead | None:
    async with connection.cursor(row_factory=class_row(AccountRead)) as cursor:
        await cursor.execute(_ONE, {"user_id": user_id})
        return await cursor.fetchone()


async def write_account(
    connection: Connection, user_id: UUID, role: Role, requests_per_minute: int | None
) -> None:
    values = {"user_id": user_id, "role": role, "requests_per_minute": requests_per_minute}
    await connection.execute(_CHANGE, values)
