"""Keep what people's apps were told for three days, in one line of positions a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "notice_heads",
        sa.Column("user_id", sa.Uuid(), primary_key=True),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        schema="app",
        comment="One row per person who was ever told something: the last position of their notices. "
        "Erased with the person. The id of zeros is everybody's (announcements).",
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "notices",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "position", name="pk_notices"),
        schema="app",
        comment="One row per notice to a person's apps, kept for three days. Erased with the person.",
    )
    op.create_index("ix_notices_written_at", "notices", ["written_at"], schema="app", postgresql_using="brin")


def downgrade() -> None:
    op.drop_table("notices", schema="app")
    op.drop_table("notice_heads", schema="app")
