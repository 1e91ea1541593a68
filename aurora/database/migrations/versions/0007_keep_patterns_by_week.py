"""Keep what was found in people's days, week by week, and what could not be looked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("create schema if not exists insights")
    op.create_table(
        "pattern_searches",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("week_ended_date", sa.Date(), nullable=False),
        sa.Column("first_date", sa.Date(), nullable=False),
        sa.Column("told_days", sa.Integer(), nullable=False),
        sa.Column("patterns", sa.Integer(), nullable=False),
        sa.Column("tested", JSONB(), nullable=False),
        sa.Column("omitted", JSONB(), nullable=False),
        sa.Column("method_version", sa.Integer(), nullable=False),
        sa.Column("searched_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "week_ended_date", name=op.f("pk_pattern_searches")),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["app.users.user_id"],
            name=op.f("fk_pattern_searches_user_id"),
            ondelete="CASCADE",
        ),
        schema="insights",
        comment="One row per person and week in which their days were searched for patterns: what was tested, and "
        "what could not be. Erased with the person.",
    )
    op.create_table(
        "patterns",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("week_ended_date", sa.Date(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("timing", sa.Text()),
        sa.Column("lag_days", sa.Integer()),
        sa.Column("changed_on_date", sa.Date()),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("estimate", sa.Double(), nullable=False),
        sa.Column("lower", sa.Double(), nullable=False),
        sa.Column("upper", sa.Double(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("difference", sa.Double()),
        sa.Column("above", sa.Double()),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("effective_n", sa.Double(), nullable=False),
        sa.Column("p_value", sa.Double(), nullable=False),
        sa.Column("q_value", sa.Double(), nullable=False),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "week_ended_date", "place", name=op.f("pk_patterns")),
        sa.ForeignKeyConstraint(
            ["user_id", "week_ended_date"],
            ["insights.pattern_searches.user_id", "insights.pattern_searches.week_ended_date"],
            name=op.f("fk_patterns_user_id_week_ended_date"),
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(
            "kind in ('lagged_correlation', 'weekday_effect', 'change_point')", name=op.f("ck_patterns_kind")
        ),
        sa.CheckConstraint("timing in ('before', 'same_day')", name=op.f("ck_patterns_timing")),
        sa.CheckConstraint("direction in ('higher', 'lower')", name=op.f("ck_patterns_direction")),
        sa.CheckConstraint("stars between 1 and 3", name=op.f("ck_patterns_stars")),
        schema="insights",
        comment="One row per pattern found in a person's days in a week's search, best first. Goes with its search.",
    )


def downgrade() -> None:
    op.drop_table("patterns", schema="insights")
    op.drop_table("pattern_searches", schema="insights")
    op.execute("drop schema insights")
