"""Keep how people want things told, and from which app each login came."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column(
        "users", sa.Column("units", sa.Text(), server_default="metric", nullable=False), schema="app"
    )
    op.add_column("users", sa.Column("scales", JSONB(), server_default="{}", nullable=False), schema="app")
    op.create_check_constraint(
        op.f("ck_users_units"), "users", "units in ('metric', 'imperial')", schema="app"
    )
    op.add_column("sessions", sa.Column("user_agent", sa.Text()), schema="app")


def downgrade() -> None:
    op.drop_column("sessions", "user_agent", schema="app")
    op.drop_constraint(op.f("ck_users_units"), "users", schema="app")
    op.drop_column("users", "scales", schema="app")
    op.drop_column("users", "units", schema="app")
