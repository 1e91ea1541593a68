"""The schema `predictions`: what was predicted, by which model."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from aurora.database.tables.columns import instant_column, metadata, text_column

model_artifacts = Table(
    "model_artifacts",
    metadata,
    text_column("model_name"),
    text_column("model_version"),
    text_column("mlflow_run_id", nullable=True),
    Column("artifact", LargeBinary, nullable=False),
    text_column("sha256"),
    Column("metadata", JSONB, nullable=False),
    instant_column("published_at", default_now=True),
    PrimaryKeyConstraint("model_name", "model_version"),
    schema="predictions",
    comment="One row per published model version: serving and streams load it from here, not from MLflow.",
)

model_aliases = Table(
    "model_aliases",
    metadata,
    text_column("model_name"),
    text_column("alias"),
    text_column("model_version"),
    instant_column("moved_at", default_now=True),
    PrimaryKeyConstraint("model_name", "alias"),
    schema="predictions",
    comment="One row per alias of a model: which version is champion or challenger now.",
)

model_alias_history = Table(
    "model_alias_history",
    metadata,
    Column("move_id", BigInteger, Identity(always=True), primary_key=True),
    text_column("model_name"),
    text_column("alias"),
    text_column("model_version", nullable=True),
    text_column("previous_version", nullable=True),
    text_column("reason"),
    text_column("run_id", nullable=True),
    instant_column("moved_at", default_now=True),
    text_column("kind"),
    text_column("moved_by", nullable=True),
    text_column("dagster_run_id", nullable=True),
    CheckConstraint("kind in ('gate', 'promote', 'rollback', 'mlflow')", name="kind"),
    schema="predictions",
    comment="One row per move of an alias: what moved it and why, by which run or by whom.",
)

predictions = Table(
    "predictions",
    metadata,
    Column("prediction_id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("app.users.user_id", ondelete="CASCADE"), nullable=False),
    text_column("model_name"),
    text_column("model_version", nullable=True),
    text_column("model_source"),
    instant_column("as_of"),
    Column("local_date", Date, nullable=False),
    Column("value", Double),
    text_column("class", nullable=True),
    Column("probabilities", JSONB),
    Column("lower", Double),
    Column("upper", Double),
    Column("baseline", Double),
    text_column("baseline_name", nullable=True),
    Column("features", JSONB, nullable=False),
    Column("reasons", JSONB, nullable=False, server_default="[]"),
    text_column("origin"),
    instant_column("created_at", default_now=True),
    instant_column("made_at", default_now=True),
    UniqueConstraint(
        "user_id", "model_name", "as_of", "origin", "model_version", postgresql_nulls_not_distinct=True
    ),
    CheckConstraint("model_source in ('model', 'baseline', 'none')", name="model_source"),
    CheckConstraint("origin in ('batch', 'live', 'api')", name="origin"),
    Index("ix_predictions_user_id_model_name_created_at", "user_id", "model_name", "created_at"),
    schema="predictions",
    comment="One row per prediction that anybody was shown, with the vector it was made from. Erased with the person.",
)

shadow_predictions = Table(
    "shadow_predictions",
    metadata,
    Column("user_id", Uuid, ForeignKey("app.users.user_id", ondelete="CASCADE"), nullable=False),
    text_column("model_name"),
    instant_column("as_of"),
    text_column("model_version"),
    text_column("champion_version"),
    text_column("model_source"),
    Column("value", Double),
    text_column("class", nullable=True),
    Column("probabilities", JSONB),
    Column("lower", Double),
    Column("upper", Double),
    instant_column("created_at", default_now=True),
    instant_column("made_at", default_now=True),
    PrimaryKeyConstraint("user_id", "model_name", "as_of", "model_version"),
    CheckConstraint("model_source in ('model', 'baseline', 'none')", name="model_source"),
    schema="predictions",
    comment="One row per person, model, moment and version that answered beside another; nobody was shown it. "
    "Kept for 90 days. Erased with the person.",
)

drift = Table(
    "drift",
    metadata,
    text_column("cohort"),
    text_column("model_name"),
    text_column("model_version"),
    Column("measured_date", Date, nullable=False),
    text_column("column_name"),
    text_column("state"),
    Column("rows", Integer, nullable=False),
    Column("people", Integer, nullable=False),
    Column("left_out_rows", Integer, nullable=False),
    Column("effective_rows", Double),
    Column("missing_share", Double),
    Column("reference_missing_share", Double),
    Column("psi", Double),
    Column("psi_by_chance", Double),
    Column("ks", Double),
    Column("p_value", Double),
    Column("q_value", Double),
    Column("window_days", Integer, nullable=False),
    Column("method_version", Integer, nullable=False),
    instant_column("measured_at", default_now=True),
    PrimaryKeyConstraint("cohort", "model_name", "model_version", "measured_date", "column_name"),
    CheckConstraint("state in ('not_enough', 'as_trained', 'moved')", name="state"),
    CheckConstraint("state = 'not_enough' or q_value is not null", name="judged"),
    schema="predictions",
    comment="One row per model version, day and column of what it was asked and answered: how far that lies from "
    "what it was trained on. Holds nobody: below a number of people only how many there were.",
)
