"""Keep history: refuse to change it, answer what was known when, archive old months, remember the zone data."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from aurora.database.archiving import CREATE_DIGEST, CREATE_DROP_MONTH
from aurora.database.history import (
    CREATE_CURRENT_EVENTS,
    CREATE_EVENTS_KNOWN_AT,
    CREATE_REFUSAL,
    CREATE_TRIGGERS,
)

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "event_archives",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("row_digest", sa.Text(), nullable=False),
        sa.Column("column_names", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("file_bytes", sa.BigInteger(), nullable=False),
        sa.Column("first_received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("restored_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("keep_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('written', 'archived', 'restored', 'replaced')", name=op.f("ck_event_archives_state")
        ),
        sa.PrimaryKeyConstraint("month", "file_name", name=op.f("pk_event_archives")),
        schema="raw",
        comment="One row per Parquet file of a month of the log; erasing a person rewrites the files.",
    )
    op.create_index(
        "ix_event_archives_in_use",
        "event_archives",
        ["month"],
        unique=True,
        schema="raw",
        postgresql_where=sa.text("state in ('archived', 'restored')"),
    )
    op.create_table(
        "zone_data",
        sa.Column("tzdata_version", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("last_user_id", sa.Uuid(), nullable=True),
        sa.Column("events_seen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("events_moved", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("events_shifted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state in ('running', 'done')", name=op.f("ck_zone_data_state")),
        sa.PrimaryKeyConstraint("tzdata_version", "started_at", name=op.f("pk_zone_data")),
        schema="raw",
        comment="One row per pass over the log that made its local days agree with a version of the zone data.",
    )
    op.execute(CREATE_REFUSAL)
    for statement in CREATE_TRIGGERS:
        op.execute(statement)
    op.execute(CREATE_EVENTS_KNOWN_AT)
    op.execute(CREATE_CURRENT_EVENTS)
    op.execute(CREATE_DIGEST)
    op.execute(CREATE_DROP_MONTH)


def downgrade() -> None:
    op.execute("drop function raw.drop_archived_month(date, text)")
    op.execute("drop function raw.digest_of_month(regclass, date, text[])")
    op.execute("drop view raw.current_events")
    op.execute("drop function raw.events_known_at(timestamptz)")
    for table in ("event_keys", "events"):
        op.execute(f"drop trigger history_is_append_only on raw.{table}")
    op.execute("drop function raw.refuse_to_change_history()")
    op.drop_table("zone_data", schema="raw")
    op.drop_index(
        "ix_event_archives_in_use",
        table_name="event_archives",
        schema="raw",
        postgresql_where=sa.text("state in ('archived', 'restored')"),
    )
    op.drop_table("event_archives", schema="raw")
