"""Keep how and by whom an alias was moved, and what challengers would have answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    for name in ("kind", "moved_by", "dagster_run_id"):
        op.add_column("model_alias_history", sa.Column(name, sa.Text()), schema="predictions")
    op.execute(
        "update predictions.model_alias_history"
        " set kind = case when reason like 'gate: %' then 'gate' else 'mlflow' end"
    )
    op.alter_column("model_alias_history", "kind", nullable=False, schema="predictions")
    op.create_check_constraint(
        op.f("ck_model_alias_history_kind"),
        "model_alias_history",
        "kind in ('gate', 'promote', 'rollback', 'mlflow')",
        schema="predictions",
    )
    op.create_table_comment(
        "model_alias_history",
        "One row per move of an alias: what moved it and why, by which run or by whom.",
        existing_comment="One row per move of an alias, with why and by which run.",
        schema="predictions",
    )
    op.create_table(
        "shadow_predictions",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("model_name", sa.Text(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("champion_version", sa.Text(), nullable=False),
        sa.Column("model_source", sa.Text(), nullable=False),
        sa.Column("value", sa.Double()),
        sa.Column("class", sa.Text()),
        sa.Column("probabilities", JSONB()),
        sa.Column("lower", sa.Double()),
        sa.Column("upper", sa.Double()),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint(
            "user_id", "model_name", "as_of", "model_version", name=op.f("pk_shadow_predictions")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["app.users.user_id"],
            name=op.f("fk_shadow_predictions_user_id"),
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(
            "model_source in ('model', 'baseline', 'none')", name=op.f("ck_shadow_predictions_model_source")
        ),
        schema="predictions",
        comment="One row per person, model, moment and version that answered beside another; nobody was shown it. "
        "Erased with the person.",
    )


def downgrade() -> None:
    op.drop_table("shadow_predictions", schema="predictions")
    op.create_table_comment(
        "model_alias_history",
        "One row per move of an alias, with why and by which run.",
        existing_comment="One row per move of an alias: what moved it and why, by which run or by whom.",
        schema="predictions",
    )
    op.drop_constraint(
        op.f("ck_model_alias_history_kind"), "model_alias_history", type_="check", schema="predictions"
    )
    for name in ("dagster_run_id", "moved_by", "kind"):
        op.drop_column("model_alias_history", name, schema="predictions")
