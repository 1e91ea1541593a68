"""Follow each message of the outbox to its effect: when it is due, which position it got, when it was consumed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_IN_FLIGHT = sa.text(
    "published_at is not null and consumed_at is null and topic = 'aurora.events.accepted.v1'"
)


def upgrade() -> None:
    op.execute("create sequence raw.outbox_positions")
    op.add_column("outbox", sa.Column("position", sa.BigInteger()), schema="raw")
    op.add_column(
        "outbox",
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        schema="raw",
    )
    op.add_column("outbox", sa.Column("consumed_at", sa.DateTime(timezone=True)), schema="raw")
    op.create_index("ix_outbox_position", "outbox", ["position"], unique=True, schema="raw")
    op.create_index("ix_outbox_in_flight", "outbox", ["outbox_id"], schema="raw", postgresql_where=_IN_FLIGHT)


def downgrade() -> None:
    op.drop_index("ix_outbox_in_flight", table_name="outbox", schema="raw", postgresql_where=_IN_FLIGHT)
    op.drop_index("ix_outbox_position", table_name="outbox", schema="raw")
    for column in ("consumed_at", "due_at", "position"):
        op.drop_column("outbox", column, schema="raw")
    op.execute("drop sequence raw.outbox_positions")
