"""Keep what every version said, and say when it was said."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

_TABLES = ("predictions", "shadow_predictions")
_BEFORE = ["user_id", "model_name", "as_of", "origin"]


def upgrade() -> None:
    for table in _TABLES:
        made_at = sa.Column(
            "made_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        )
        op.add_column(table, made_at, schema="predictions")
        # Until now a batch spoke of the newest moment of each person, which was over when it did: at `created_at`.
        op.execute(f"update predictions.{table} set made_at = created_at")  # noqa: S608  # the two names above
    op.drop_constraint(
        op.f("uq_predictions_user_id_model_name_as_of_origin"), "predictions", schema="predictions"
    )
    op.create_unique_constraint(
        op.f("uq_predictions_user_id_model_name_as_of_origin_model_version"),
        "predictions",
        [*_BEFORE, "model_version"],
        schema="predictions",
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    op.drop_constraint(
        op.f("uq_predictions_user_id_model_name_as_of_origin_model_version"),
        "predictions",
        schema="predictions",
    )
    # The key of before holds what was said last.
    op.execute(
        "delete from predictions.predictions as earlier using predictions.predictions as later"
        " where (later.user_id, later.model_name, later.as_of, later.origin)"
        " = (earlier.user_id, earlier.model_name, earlier.as_of, earlier.origin)"
        " and (later.created_at, later.prediction_id) > (earlier.created_at, earlier.prediction_id)"
    )
    op.create_unique_constraint(
        op.f("uq_predictions_user_id_model_name_as_of_origin"), "predictions", _BEFORE, schema="predictions"
    )
    for table in _TABLES:
        op.drop_column(table, "made_at", schema="predictions")
