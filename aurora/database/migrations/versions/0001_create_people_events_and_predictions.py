"""Create people, the event log and predictions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from aurora.database.partitions import CREATE_FUNCTION
from aurora.database.tables import Xid8

revision = "0001"
down_revision = None


def upgrade() -> None:
    for schema in ("raw", "predictions"):
        op.execute(f"create schema if not exists {schema}")
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_idempotency_keys")),
        schema="app",
        comment="One row per mutation that named an Idempotency-Key, with the answer it got.",
    )
    op.create_index(
        "ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"], unique=False, schema="app"
    )
    op.create_table(
        "users",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("email_hash", sa.LargeBinary(), nullable=True),
        sa.Column("email_ciphertext", sa.LargeBinary(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("tz", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("cohort", sa.Text(), server_default="real", nullable=False),
        sa.Column("persona", sa.Text(), nullable=True),
        sa.Column("data_key_ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_users")),
        sa.UniqueConstraint("email_hash", name=op.f("uq_users_email_hash")),
        sa.UniqueConstraint("username", name=op.f("uq_users_username")),
        schema="app",
        comment="One row per person.",
    )
    op.create_index("ix_users_cohort", "users", ["cohort"], unique=False, schema="app")
    op.create_table(
        "model_alias_history",
        sa.Column("move_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("model_name", sa.Text(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=True),
        sa.Column("previous_version", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("move_id", name=op.f("pk_model_alias_history")),
        schema="predictions",
        comment="One row per move of an alias, with why and by which run.",
    )
    op.create_table(
        "model_aliases",
        sa.Column("model_name", sa.Text(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("model_name", "alias", name=op.f("pk_model_aliases")),
        schema="predictions",
        comment="One row per alias of a model: which version is champion or challenger now.",
    )
    op.create_table(
        "model_artifacts",
        sa.Column("model_name", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("mlflow_run_id", sa.Text(), nullable=True),
        sa.Column("artifact", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "published_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("model_name", "model_version", name=op.f("pk_model_artifacts")),
        schema="predictions",
        comment="One row per published model version: serving and streams load it from here, not from MLflow.",
    )
    op.create_table(
        "predictions",
        sa.Column("prediction_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("model_name", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=True),
        sa.Column("model_source", sa.Text(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("class", sa.Text(), nullable=True),
        sa.Column("probabilities", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("lower", sa.Double(), nullable=True),
        sa.Column("upper", sa.Double(), nullable=True),
        sa.Column("baseline", sa.Double(), nullable=True),
        sa.Column("baseline_name", sa.Text(), nullable=True),
        sa.Column("features", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "model_source in ('model', 'baseline', 'none')", name=op.f("ck_predictions_model_source")
        ),
        sa.CheckConstraint("origin in ('batch', 'live', 'api')", name=op.f("ck_predictions_origin")),
        sa.PrimaryKeyConstraint("prediction_id", name=op.f("pk_predictions")),
        sa.UniqueConstraint(
            "user_id",
            "model_name",
            "as_of",
            "origin",
            name=op.f("uq_predictions_user_id_model_name_as_of_origin"),
        ),
        schema="predictions",
        comment="One row per prediction that anybody was shown, with the vector it was made from.",
    )
    op.create_index(
        "ix_predictions_user_id_model_name_created_at",
        "predictions",
        ["user_id", "model_name", "created_at"],
        unique=False,
        schema="predictions",
    )
    op.create_table(
        "builds",
        sa.Column("build_id", sa.Uuid(), nullable=False),
        sa.Column("snapshot_xmin", Xid8(), nullable=False),
        sa.Column("is_full", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state in ('running', 'good', 'failed')", name=op.f("ck_builds_state")),
        sa.PrimaryKeyConstraint("build_id", name=op.f("pk_builds")),
        schema="raw",
        comment="One row per build of the warehouse. The next takes the days touched since the last good one.",
    )
    op.create_table(
        "event_keys",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "event_id", "version", name=op.f("pk_event_keys")),
        schema="raw",
        comment="One row per version of an event: uniqueness, which a table partitioned by time cannot keep.",
    )
    op.create_table(
        "events",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tz", sa.Text(), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("local_started_at", sa.DateTime(), nullable=False),
        sa.Column("local_ended_at", sa.DateTime(), nullable=True),
        sa.Column("day_started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("precision", sa.Text(), nullable=False),
        sa.Column("source_name", sa.Text(), nullable=False),
        sa.Column("source_record_id", sa.Text(), nullable=True),
        sa.Column("source_device", sa.Text(), nullable=True),
        sa.Column("modality", sa.Text(), nullable=False),
        sa.Column("form_id", sa.Text(), nullable=True),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("note_ciphertext", sa.LargeBinary(), nullable=True),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("available_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("precision in ('instant', 'day')", name=op.f("ck_events_precision")),
        sa.PrimaryKeyConstraint("user_id", "event_id", "version", "started_at", name=op.f("pk_events")),
        schema="raw",
        comment="One row per version of an event. Append-only; erasure of a person is the only delete.",
        postgresql_partition_by="RANGE (started_at)",
    )
    op.create_index(
        "ix_events_received_at",
        "events",
        ["received_at"],
        unique=False,
        schema="raw",
        postgresql_using="brin",
    )
    op.create_index(
        "ix_events_user_id_local_date", "events", ["user_id", "local_date"], unique=False, schema="raw"
    )
    op.create_table(
        "import_batches",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("cohort", sa.Text(), nullable=False),
        sa.Column("arrival_date", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("accepted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("duplicate", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("superseded", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("conflict", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rejected", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("empty", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('copying', 'held_back', 'storing', 'done', 'failed')",
            name=op.f("ck_import_batches_state"),
        ),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_import_batches")),
        sa.UniqueConstraint(
            "file_sha256", "mapping", "cohort", name=op.f("uq_import_batches_file_sha256_mapping_cohort")
        ),
        schema="raw",
        comment="One row per imported file, mapping and cohort, with what became of its rows.",
    )
    op.create_table(
        "outbox",
        sa.Column("outbox_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("outbox_id", name=op.f("pk_outbox")),
        schema="raw",
        comment="One row per message that has to reach the broker; written in the event's own transaction.",
    )
    op.create_index(
        "ix_outbox_published_at",
        "outbox",
        ["published_at"],
        unique=False,
        schema="raw",
        postgresql_using="brin",
    )
    op.create_index(
        "ix_outbox_unpublished",
        "outbox",
        ["outbox_id"],
        unique=False,
        schema="raw",
        postgresql_where=sa.text("published_at is null"),
    )
    op.create_table(
        "rejected_events",
        sa.Column("rejection_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("row_number", sa.BigInteger(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("replayed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("rejection_id", name=op.f("pk_rejected_events")),
        sa.UniqueConstraint(
            "batch_id",
            "row_number",
            "reason_code",
            "reason",
            name=op.f("uq_rejected_events_batch_id_row_number_reason_code_reason"),
        ),
        schema="raw",
        comment="One row per item that could not be accepted: the dead letter, kept whole with its reason.",
    )
    op.create_index(
        "ix_rejected_events_batch_id", "rejected_events", ["batch_id"], unique=False, schema="raw"
    )
    op.create_index("ix_rejected_events_user_id", "rejected_events", ["user_id"], unique=False, schema="raw")
    op.create_table(
        "simulations",
        sa.Column("cohort", sa.Text(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("users", sa.Integer(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("ceiling", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("truth_path", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("cohort", name=op.f("pk_simulations")),
        schema="raw",
        comment="One row per simulated population, with the best scores that any model could attain on it.",
    )
    op.create_table(
        "touched_days",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("xid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "local_date", "xid", name=op.f("pk_touched_days")),
        schema="raw",
        comment="One row per user, local day and transaction that changed that day's events.",
    )
    op.create_index("ix_touched_days_xid", "touched_days", ["xid"], unique=False, schema="raw")
    op.create_table(
        "user_days",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("day_started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day_ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "local_date", name=op.f("pk_user_days")),
        schema="raw",
        comment="One row per user and local day that has an event or was asked for, with its UTC borders.",
    )
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("refresh_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app.users.user_id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("refresh_hash", name=op.f("uq_sessions_refresh_hash")),
        schema="app",
        comment="One row per refresh token that was ever issued; a family is one login.",
    )
    op.create_index("ix_sessions_family_id", "sessions", ["family_id"], unique=False, schema="app")
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"], unique=False, schema="app")
    op.create_table(
        "import_rows",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("row_number", sa.BigInteger(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("arrival_date", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["raw.import_batches.batch_id"],
            name=op.f("fk_import_rows_batch_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("batch_id", "row_number", name=op.f("pk_import_rows")),
        schema="raw",
        comment="One row per row of a landed file, as it came.",
    )
    op.execute(CREATE_FUNCTION.as_string())


def downgrade() -> None:
    op.execute("drop function raw.ensure_event_partition(date)")
    op.drop_table("import_rows", schema="raw")
    op.drop_index("ix_sessions_user_id", table_name="sessions", schema="app")
    op.drop_index("ix_sessions_family_id", table_name="sessions", schema="app")
    op.drop_table("sessions", schema="app")
    op.drop_table("user_days", schema="raw")
    op.drop_index("ix_touched_days_xid", table_name="touched_days", schema="raw")
    op.drop_table("touched_days", schema="raw")
    op.drop_table("simulations", schema="raw")
    op.drop_index("ix_rejected_events_user_id", table_name="rejected_events", schema="raw")
    op.drop_index("ix_rejected_events_batch_id", table_name="rejected_events", schema="raw")
    op.drop_table("rejected_events", schema="raw")
    op.drop_index(
        "ix_outbox_unpublished",
        table_name="outbox",
        schema="raw",
        postgresql_where=sa.text("published_at is null"),
    )
    op.drop_index("ix_outbox_published_at", table_name="outbox", schema="raw", postgresql_using="brin")
    op.drop_table("outbox", schema="raw")
    op.drop_table("import_batches", schema="raw")
    op.drop_index("ix_events_user_id_local_date", table_name="events", schema="raw")
    op.drop_index("ix_events_received_at", table_name="events", schema="raw", postgresql_using="brin")
    op.drop_table("events", schema="raw")
    op.drop_table("event_keys", schema="raw")
    op.drop_table("builds", schema="raw")
    op.drop_index(
        "ix_predictions_user_id_model_name_created_at", table_name="predictions", schema="predictions"
    )
    op.drop_table("predictions", schema="predictions")
    op.drop_table("model_artifacts", schema="predictions")
    op.drop_table("model_aliases", schema="predictions")
    op.drop_table("model_alias_history", schema="predictions")
    op.drop_index("ix_users_cohort", table_name="users", schema="app")
    op.drop_table("users", schema="app")
    op.drop_index("ix_idempotency_keys_created_at", table_name="idempotency_keys", schema="app")
    op.drop_table("idempotency_keys", schema="app")
    for schema in ("raw", "predictions"):
        op.execute(f"drop schema {schema}")
