"""How Alembic connects: one transaction for the whole upgrade, its own version table in `app`."""

from __future__ import annotations

import re

from alembic import context
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.dialects.postgresql.base import ischema_names

from aurora.database.tables import OWNED_SCHEMAS, PgSnapshot, Xid8, metadata

# So that `alembic check` can read the columns back.
ischema_names |= {"xid8": Xid8, "pg_snapshot": PgSnapshot}


def include_name(name: str | None, type_: str, _parents: object) -> bool:
    """The owned schemas, without the monthly partitions: those are data, not schema."""
    if type_ == "schema":
        return name in OWNED_SCHEMAS
    return not (type_ == "table" and name and re.fullmatch(r"events_\d{4}_\d{2}", name))


def run() -> None:
    engine = create_engine(context.config.get_main_option("sqlalchemy.url") or "", poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("create schema if not exists app"))
        context.configure(
            connection=connection,
            target_metadata=metadata,
            include_schemas=True,
            include_name=include_name,
            version_table_schema="app",
        )
        context.run_migrations()


run()
