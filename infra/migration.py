"""The step between Postgres and everybody else: the database is there and migrated."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from aurora.errors import AuroraError


class DatabaseRightsError(AuroraError):
    def __init__(self, login: str) -> None:
        super().__init__(
            f"the Postgres login {login!r} may not create roles and databases; "
            f'let an administrator run: alter role "{login}" createrole createdb'
        )


def prepare_database(owner_url: str, secret_key: str) -> None:
    """Create the database if it is not there, then bring it up to date. Idempotent."""
    from aurora.database.migrate import migrate

    _ensure_rights(owner_url)
    migrate(owner_url, secret_key)


def _ensure_rights(owner_url: str) -> None:
    """Check the login's rights, and create its database when that is missing."""
    parts = urlsplit(owner_url)
    name = parts.path.removeprefix("/")
    try:
        connection = psycopg.connect(owner_url, autocommit=True)
    except psycopg.OperationalError as error:
        if f'database "{name}" does not exist' not in str(error):
            raise
        with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as maintenance:
            maintenance.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        connection = psycopg.connect(owner_url, autocommit=True)
    with connection:
        found = connection.execute(
            "select rolsuper or (rolcreaterole and rolcreatedb), rolname"
            " from pg_roles where rolname = current_user"
        ).fetchone()
    if found is None or not found[0]:
        raise DatabaseRightsError(found[1] if found else parts.username or "")
