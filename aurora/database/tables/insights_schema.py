"""The schema `insights`: what was found in people's days."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from aurora.database.tables.columns import instant_column, metadata, text_column, user_id_column

pattern_searches = Table(
    "pattern_searches",
    metadata,
    Column("user_id", Uuid, ForeignKey("app.users.user_id", ondelete="CASCADE"), nullable=False),
    Column("week_ended_date", Date, nullable=False),
    Column("first_date", Date, nullable=False),
    Column("told_days", Integer, nullable=False),
    Column("patterns", Integer, nullable=False),
    Column("tested", JSONB, nullable=False),
    Column("omitted", JSONB, nullable=False),
    Column("method_version", Integer, nullable=False),
    instant_column("searched_at", default_now=True),
    PrimaryKeyConstraint("user_id", "week_ended_date"),
    schema="insights",
    comment="One row per person and week in which their days were searched for patterns: what was tested, and "
    "what could not be. Erased with the person.",
)

patterns = Table(
    "patterns",
    metadata,
    user_id_column(),
    Column("week_ended_date", Date, nullable=False),
    Column("place", Integer, nullable=False),
    text_column("kind"),
    text_column("outcome"),
    text_column("subject"),
    text_column("timing", nullable=True),
    Column("lag_days", Integer),
    Column("changed_on_date", Date),
    text_column("direction"),
    Column("estimate", Double, nullable=False),
    Column("lower", Double, nullable=False),
    Column("upper", Double, nullable=False),
    text_column("unit"),
    Column("difference", Double),
    Column("above", Double),
    Column("days", Integer, nullable=False),
    Column("effective_n", Double, nullable=False),
    Column("p_value", Double, nullable=False),
    Column("q_value", Double, nullable=False),
    Column("stars", Integer, nullable=False),
    text_column("sentence"),
    PrimaryKeyConstraint("user_id", "week_ended_date", "place"),
    ForeignKeyConstraint(
        ["user_id", "week_ended_date"],
        ["insights.pattern_searches.user_id", "insights.pattern_searches.week_ended_date"],
        ondelete="CASCADE",
    ),
    CheckConstraint("kind in ('lagged_correlation', 'weekday_effect', 'change_point')", name="kind"),
    CheckConstraint("timing in ('before', 'same_day')", name="timing"),
    CheckConstraint("direction in ('higher', 'lower')", name="direction"),
    CheckConstraint("stars between 1 and 3", name="stars"),
    schema="insights",
    comment="One row per pattern found in a person's days in a week's search, best first. Goes with its search.",
)
