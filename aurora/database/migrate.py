"""`aurora migrate`: roles, databases, schema and grants, from nothing or from any earlier state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from psycopg import sql

from aurora import clock
from aurora.database.grants import DATABASE_OF_ROLE, OWNER, PROCESS_ROLES, apply_grants
from aurora.database.limits import limit_analysts
from aurora.database.partitions import CREATE_FUNCTION, ensure_partitions, months_ahead
from aurora.database.zone_data import note_zone_data_of_an_empty_log
from aurora.secrets import role_password

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 7_001_001
"""Advisory lock: two processes that start together migrate one after the other."""


def migrate(owner_url: str, secret_key: str, *, databases: bool = True) -> None:
    """Bring the database at `owner_url` up to date. Idempotent and safe to run at the same time twice.

    `databases=False` leaves out the databases of MLflow and Dagster (tests have no need of them).
    """
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
        _ensure_roles(connection, secret_key)
        limit_analysts(connection)
        if databases:
            _ensure_databases(connection)
        command.upgrade(alembic_config(owner_url), "head")
        # A function has no rows to carry over: the newest definition simply replaces the one before.
        connection.execute(CREATE_FUNCTION)
        with connection.transaction():
            apply_grants(connection)
        ensure_partitions(connection, months_ahead(clock.now().date()))
        note_zone_data_of_an_empty_log(connection)


def alembic_config(owner_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    # A percent sign in a password would be read as interpolation.
    config.set_main_option("sqlalchemy.url", sqlalchemy_url(owner_url).replace("%", "%%"))
    return config


def sqlalchemy_url(url: str) -> str:
    """The same address for SQLAlchemy, by psycopg 3."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def _ensure_roles(connection: psycopg.Connection[Any], secret_key: str) -> None:
    for role in (*PROCESS_ROLES, *DATABASE_OF_ROLE):
        known = connection.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone()
        if known is None:
            connection.execute(sql.SQL("create role {} login").format(sql.Identifier(role)))
            # The owner hands out what a role owns: it must be able to act for it.
            connection.execute(
                sql.SQL("grant {} to {} with set true").format(sql.Identifier(role), sql.SQL("current_user"))
            )
        connection.execute(
            sql.SQL("alter role {} password {}").format(
                sql.Identifier(role), sql.Literal(role_password(secret_key, role))
            )
        )


def _ensure_databases(connection: psycopg.Connection[Any]) -> None:
    for role, database in DATABASE_OF_ROLE.items():
        known = connection.execute("select 1 from pg_database where datname = %s", (database,)).fetchone()
        if known is None:
            connection.execute(
                sql.SQL("create database {} owner {}").format(sql.Identifier(database), sql.Identifier(role))
            )


__all__ = ["OWNER", "alembic_config", "migrate", "sqlalchemy_url"]
