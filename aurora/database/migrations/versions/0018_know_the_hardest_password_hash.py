"""Know the highest cost of all password hashes, which every login takes as long as."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_index("ix_users_password_cost", "users", [sa.text("substr(password_hash, 5, 2)")], schema="app")


def downgrade() -> None:
    op.drop_index("ix_users_password_cost", table_name="users", schema="app")
