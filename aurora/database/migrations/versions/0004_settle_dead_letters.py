"""Settle dead letters: a person may discard one, and what waits is counted by source and reason."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_WAITING = sa.text("replayed_at is null and discarded_at is null")


def upgrade() -> None:
    op.add_column("rejected_events", sa.Column("discarded_at", sa.DateTime(timezone=True)), schema="raw")
    op.create_index("ix_rejected_events_received_at", "rejected_events", ["received_at"], schema="raw")
    op.create_index(
        "ix_rejected_events_waiting",
        "rejected_events",
        ["source", "reason_code"],
        schema="raw",
        postgresql_where=_WAITING,
    )


def downgrade() -> None:
    op.drop_index(
        "ix_rejected_events_waiting", table_name="rejected_events", schema="raw", postgresql_where=_WAITING
    )
    op.drop_index("ix_rejected_events_received_at", table_name="rejected_events", schema="raw")
    op.drop_column("rejected_events", "discarded_at", schema="raw")
