"""Know people by a key that says nothing of them: what analysts see in place of the person's id."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "pseudonyms",
        sa.Column(
            "user_id", sa.Uuid(), sa.ForeignKey("app.users.user_id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("person_key", sa.Uuid(), nullable=False, unique=True),
        sa.Column("record_salt", sa.LargeBinary(), nullable=False),
        sa.Column("made_with", sa.Text(), nullable=False),
        schema="app",
        comment="One row per person: the key by which analysts know them. Erased with the person.",
    )


def downgrade() -> None:
    # What dbt built on it goes with it; the next build makes it anew.
    op.execute("drop table app.pseudonyms cascade")
