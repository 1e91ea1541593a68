"""Switch features on and off while the API runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0017"
down_revision = "0016"

# Heard by every worker of the API (serving/flags/provider.py), which reads all of them anew.
_TELL = """
    create function app.tell_feature_flags_changed() returns trigger language plpgsql as $$
    begin
        perform pg_notify('aurora_feature_flags', '');
        return null;
    end
    $$
"""


def upgrade() -> None:
    op.create_table(
        "feature_flags",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("rules", JSONB(), server_default="[]", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_feature_flags")),
        sa.CheckConstraint("jsonb_typeof(rules) = 'array'", name=op.f("ck_feature_flags_rules")),
        schema="app",
        comment="One row per feature flag that an administrator has set; any other is as the catalogue says.",
    )
    op.execute(_TELL)
    op.execute(
        "create trigger tell_feature_flags_changed after insert or update or delete or truncate"
        " on app.feature_flags for each statement execute function app.tell_feature_flags_changed()"
    )


def downgrade() -> None:
    op.drop_table("feature_flags", schema="app")
    op.execute("drop function app.tell_feature_flags_changed()")
