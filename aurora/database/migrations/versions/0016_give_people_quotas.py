"""Give single people a quota of requests of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("users", sa.Column("requests_per_minute", sa.Integer()), schema="app")
    op.create_check_constraint(
        op.f("ck_users_requests_per_minute"), "users", "requests_per_minute > 0", schema="app"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_users_requests_per_minute"), "users", schema="app")
    op.drop_column("users", "requests_per_minute", schema="app")
