"""Keep how far what models are asked has moved, and let predictions go with the person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_FOREIGN_KEY = "fk_predictions_user_id"


def upgrade() -> None:
    op.create_table(
        "drift",
        sa.Column("cohort", sa.Text(), nullable=False),
        sa.Column("model_name", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("measured_date", sa.Date(), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("left_out_rows", sa.Integer(), nullable=False),
        sa.Column("effective_rows", sa.Double()),
        sa.Column("missing_share", sa.Double()),
        sa.Column("reference_missing_share", sa.Double()),
        sa.Column("psi", sa.Double()),
        sa.Column("psi_by_chance", sa.Double()),
        sa.Column("ks", sa.Double()),
        sa.Column("p_value", sa.Double()),
        sa.Column("q_value", sa.Double()),
        sa.Column("window_days", sa.Integer(), nullable=False),
        sa.Column("method_version", sa.Integer(), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint(
            "cohort", "model_name", "model_version", "measured_date", "column_name", name=op.f("pk_drift")
        ),
        sa.CheckConstraint("state in ('not_enough', 'as_trained', 'moved')", name=op.f("ck_drift_state")),
        sa.CheckConstraint("state = 'not_enough' or q_value is not null", name=op.f("ck_drift_judged")),
        schema="predictions",
        comment="One row per model version, day and column of what it was asked and answered: how far that lies from "
        "what it was trained on. Holds nobody: below a number of people only how many there were.",
    )
    # Of people who are gone already: they were to go with them.
    op.execute(
        "delete from predictions.predictions where not exists"
        " (select from app.users where users.user_id = predictions.user_id)"
    )
    op.create_foreign_key(
        op.f(_FOREIGN_KEY),
        "predictions",
        "users",
        ["user_id"],
        ["user_id"],
        source_schema="predictions",
        referent_schema="app",
        ondelete="CASCADE",
    )
    op.create_table_comment(
        "predictions",
        "One row per prediction that anybody was shown, with the vector it was made from. Erased with the person.",
        existing_comment="One row per prediction that anybody was shown, with the vector it was made from.",
        schema="predictions",
    )
    op.create_table_comment(
        "shadow_predictions",
        "One row per person, model, moment and version that answered beside another; nobody was shown it. "
        "Kept for 90 days. Erased with the person.",
        existing_comment="One row per person, model, moment and version that answered beside another; nobody was "
        "shown it. Erased with the person.",
        schema="predictions",
    )


def downgrade() -> None:
    op.create_table_comment(
        "shadow_predictions",
        "One row per person, model, moment and version that answered beside another; nobody was shown it. "
        "Erased with the person.",
        existing_comment="One row per person, model, moment and version that answered beside another; nobody was "
        "shown it. Kept for 90 days. Erased with the person.",
        schema="predictions",
    )
    op.create_table_comment(
        "predictions",
        "One row per prediction that anybody was shown, with the vector it was made from.",
        existing_comment="One row per prediction that anybody was shown, with the vector it was made from. "
        "Erased with the person.",
        schema="predictions",
    )
    op.drop_constraint(op.f(_FOREIGN_KEY), "predictions", type_="foreignkey", schema="predictions")
    op.drop_table("drift", schema="predictions")
