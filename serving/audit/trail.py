"""Rows of `app.audit` and `app.audit_seals` as they are read."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from serving.audit.chain import AuditRow, Moment, Seal
from serving.auth.errors import UserNotFoundError
from serving.database import Connection
from serving.pagination import Order

COLUMNS: Final[LiteralString] = """
    audit_id, at, xid::text as xid, action, actor_kind, actor_id, credential_id, subject_user_id, subject_id,
    before_hash, after_hash, request_id
"""
SEAL_COLUMNS: Final[LiteralString] = """
    number, previous_digest, audit_ids, row_hashes, snapshot::text as snapshot, cluster, sealed_at, digest
"""
_LAST_SEAL: Final[LiteralString] = f"""
    select {SEAL_COLUMNS} from app.audit_seals order by number desc limit 1
"""  # noqa: S608  # our own text
_MOMENT: Final[LiteralString] = """
    select
        clock_timestamp() as sealed_at,
        pg_current_snapshot()::text as snapshot,
        (select system_identifier::text from pg_control_system()) as cluster
"""
_LIST: Final[LiteralString] = f"""
    select {COLUMNS}
    from app.audit
    where
        (%(subject_user_id)s::uuid is null or subject_user_id = %(subject_user_id)s)
        and (%(actor_id)s::uuid is null or actor_id = %(actor_id)s)
        and (%(action)s::text is null or action = %(action)s)
        and (%(since)s::timestamptz is null or at >= %(since)s)
"""  # noqa: S608  # our own text
_USER: Final[LiteralString] = "select user_id from app.users where username = %s"


LATEST: Final = Order("-at")
_LARGEST_ID: Final = 2**63 - 1


@dataclass(frozen=True)
class Wanted:
    """Which rows; None is any."""

    subject_user_id: UUID | None = None
    actor_id: UUID | None = None
    action: str | None = None
    since: datetime | None = None


async def list_rows(connection: Connection, wanted: Wanted, order: Order, limit: int) -> list[AuditRow]:
    """Rows by when they were written."""
    async with connection.cursor(row_factory=class_row(AuditRow)) as cursor:
        await cursor.execute(_ordered(order), _values(wanted, order, limit))
        return await cursor.fetchall()


def read_rows(connection: psycopg.Connection[Any], wanted: Wanted, limit: int) -> list[AuditRow]:
    """The same for the command line, the latest first."""
    with connection.cursor(row_factory=class_row(AuditRow)) as cursor:
        return cursor.execute(_ordered(LATEST), _values(wanted, LATEST, limit)).fetchall()


def find_user_id(connection: psycopg.Connection[Any], user: str) -> UUID:
    """The id itself, also of somebody who was erased, or whose name this is; UserNotFoundError when it is nobody's."""
    with suppress(ValueError):
        return UUID(user)
    row = connection.execute(_USER, (user,)).fetchone()
    if row is None:
        raise UserNotFoundError(user)
    return row[0]


def read_last_seal(connection: psycopg.Connection[Any]) -> Seal | None:
    with connection.cursor(row_factory=class_row(Seal)) as cursor:
        return cursor.execute(_LAST_SEAL).fetchone()


def read_moment(connection: psycopg.Connection[Any]) -> Moment:
    """Now, as this transaction sees it."""
    with connection.cursor(row_factory=class_row(Moment)) as cursor:
        [moment] = cursor.execute(_MOMENT).fetchall()
    return moment


def _ordered(order: Order) -> LiteralString:
    return f"{_LIST} {order.sql('at', 'audit_id')} limit %(limit)s"


def _values(wanted: Wanted, order: Order, limit: int) -> dict[str, Any]:
    return {**vars(wanted), **order.values(largest_id=_LARGEST_ID), "limit": limit}
