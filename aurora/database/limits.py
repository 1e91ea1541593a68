"""What the analysts' role may use of the server, set on the role itself, so that it holds in every tool.

A query of theirs must not stand in the way of a build: dbt waits until nobody reads a view that it replaces. Hard
are the number of connections, the space for temporary files, and that nothing can be written (`grants.py`). The rest
is where a session begins: Postgres lets everybody change it for themselves.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg
import structlog
from psycopg import sql

from aurora.database.grants import ANALYST, ANALYST_SCHEMA

CONNECTIONS: Final = 10

LIMITS: Final = {
    "statement_timeout": "2min",
    "idle_in_transaction_session_timeout": "1min",
    "lock_timeout": "10s",
    "default_transaction_read_only": "on",
    "search_path": ANALYST_SCHEMA,
    "temp_file_limit": "2GB",
}

_log = structlog.get_logger()


def limit_analysts(connection: psycopg.Connection[Any]) -> None:
    """Set what is not set yet. Idempotent; run as the owner."""
    role = sql.Identifier(ANALYST)
    row = connection.execute(
        "select rolconnlimit, coalesce(setconfig, '{}') from pg_roles"
        " left join pg_db_role_setting on setrole = pg_roles.oid and setdatabase = 0 where rolname = %s",
        (ANALYST,),
    ).fetchone()
    connections, settings = row or (-1, [])
    if connections != CONNECTIONS:
        connection.execute(
            sql.SQL("alter role {} connection limit {}").format(role, sql.Literal(CONNECTIONS))
        )
    for name, value in LIMITS.items():
        if f"{name}={value}" not in settings:
            _set(connection, name, value)


def _set(connection: psycopg.Connection[Any], name: str, value: str) -> None:
    names = (sql.Identifier(ANALYST), sql.Identifier(name), sql.Literal(value))
    try:
        with connection.transaction():
            connection.execute(sql.SQL("alter role {} set {} to {}").format(*names))
    except psycopg.errors.InsufficientPrivilege:
        # Of a server that is not ours only a superuser may allow it.
        _log.warning(
            "limit_not_set",
            role=ANALYST,
            limit=name,
            remedy=f"let a superuser run: grant set on parameter {name} to {connection.info.user};"
            " then run `aurora migrate`",
        )
