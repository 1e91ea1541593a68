"""Let the lists of accounts and of what was rejected be read in their order, either way, page by page."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_index("ix_users_created_at", "users", ["created_at", "user_id"], schema="app")
    op.create_index(
        "ix_rejected_events_user_id_received_at",
        "rejected_events",
        ["user_id", "received_at", "rejection_id"],
        schema="raw",
    )
    op.drop_index("ix_rejected_events_user_id", table_name="rejected_events", schema="raw")


def downgrade() -> None:
    op.create_index("ix_rejected_events_user_id", "rejected_events", ["user_id"], schema="raw")
    op.drop_index("ix_rejected_events_user_id_received_at", table_name="rejected_events", schema="raw")
    op.drop_index("ix_users_created_at", table_name="users", schema="app")
