"""Every table that Alembic owns, as SQLAlchemy Core. One row of each is described beside it."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import UserDefinedType

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Xid8(UserDefinedType[str]):
    """A 64-bit transaction id, which never wraps around."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


def _instant(name: str, *, nullable: bool = False, default_now: bool = False) -> Column[object]:
    return Column(
        name,
        DateTime(timezone=True),
        nullable=nullable,
        server_default=func.now() if default_now else None,
    )


def _text(name: str, *, nullable: bool = False, default: str | None = None) -> Column[object]:
    return Column(name, Text, nullable=nullable, server_default=default)


def _user_id(*, nullable: bool = False) -> Column[object]:
    return Column("user_id", Uuid, nullable=nullable)


# --- app: people and their sessions -------------------------------------------------------------------------

users = Table(
    "users",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    _text("username"),
    Column("email_hash", LargeBinary, unique=True),
    Column("email_ciphertext", LargeBinary),
    _text("password_hash", nullable=True),
    _text("display_name", nullable=True),
    _text("tz", default="UTC"),
    _text("cohort", default="real"),
    _text("persona", nullable=True),
    Column("data_key_ciphertext", LargeBinary, nullable=False),
    _instant("created_at", default_now=True),
    _instant("deleted_at", nullable=True),
    UniqueConstraint("username"),
    Index("ix_users_cohort", "cohort"),
    schema="app",
    comment="One row per person.",
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("app.users.user_id", ondelete="CASCADE"), nullable=False),
    Column("family_id", Uuid, nullable=False),
    Column("refresh_hash", LargeBinary, nullable=False, unique=True),
    _instant("created_at", default_now=True),
    _instant("expires_at"),
    _instant("rotated_at", nullable=True),
    _instant("revoked_at", nullable=True),
    Index("ix_sessions_user_id", "user_id"),
    Index("ix_sessions_family_id", "family_id"),
    schema="app",
    comment="One row per refresh token that was ever issued; a family is one login.",
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    _user_id(),
    _text("key"),
    Column("request_hash", LargeBinary, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", JSONB, nullable=False),
    _instant("created_at", default_now=True),
    PrimaryKeyConstraint("user_id", "key"),
    Index("ix_idempotency_keys_created_at", "created_at"),
    schema="app",
    comment="One row per mutation that named an Idempotency-Key, with the answer it got.",
)

notice_heads = Table(
    "notice_heads",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    _text("epoch"),
    Column("position", BigInteger, nullable=False),
    schema="app",
    comment="One row per person who was ever told something: the last position of their notices. "
    "Erased with the person. The id of zeros is everybody's (announcements).",
    # Updated with each notice: room on the page keeps the update away from the index.
    postgresql_with={"fillfactor": "50"},
)

notices = Table(
    "notices",
    metadata,
    _user_id(),
    Column("position", BigInteger, nullable=False),
    _text("subject"),
    # json, not jsonb: it is told as it was written.
    Column("body", JSON, nullable=False),
    _instant("written_at", default_now=True),
    PrimaryKeyConstraint("user_id", "position"),
    Index("ix_notices_written_at", "written_at", postgresql_using="brin"),
    schema="app",
    comment="One row per notice to a person's apps, kept for three days. Erased with the person.",
)

# --- raw: the log and what surrounds it ---------------------------------------------------------------------

events = Table(
    "events",
    metadata,
    _user_id(),
    Column("event_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    _text("type"),
    Column("schema_version", Integer, nullable=False),
    _instant("started_at"),
    _instant("ended_at", nullable=True),
    _text("tz"),
    Column("local_date", Date, nullable=False),
    Column("local_started_at", DateTime(timezone=False), nullable=False),
    Column("local_ended_at", DateTime(timezone=False)),
    _instant("day_started_at"),
    _text("precision"),
    _text("source_name"),
    _text("source_record_id", nullable=True),
    _text("source_device", nullable=True),
    _text("modality"),
    _text("form_id", nullable=True),
    Column("payload", JSONB, nullable=False),
    Column("note_ciphertext", LargeBinary),
    Column("is_deleted", Boolean, nullable=False),
    Column("body_hash", LargeBinary, nullable=False),
    _instant("received_at"),
    _instant("known_at"),
    _instant("available_at"),
    Column("batch_id", Uuid),
    PrimaryKeyConstraint("user_id", "event_id", "version", "started_at"),
    CheckConstraint("precision in ('instant', 'day')", name="precision"),
    Index("ix_events_user_id_local_date", "user_id", "local_date"),
    Index("ix_events_received_at", "received_at", postgresql_using="brin"),
    schema="raw",
    postgresql_partition_by="RANGE (started_at)",
    comment="One row per version of an event. Append-only; erasure of a person is the only delete.",
)

event_keys = Table(
    "event_keys",
    metadata,
    _user_id(),
    Column("event_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body_hash", LargeBinary, nullable=False),
    _instant("started_at"),
    Column("local_date", Date, nullable=False),
    PrimaryKeyConstraint("user_id", "event_id", "version"),
    schema="raw",
    comment="One row per version of an event: uniqueness, which a table partitioned by time cannot keep.",
)

outbox = Table(
    "outbox",
    metadata,
    Column("outbox_id", BigInteger, Identity(always=True), primary_key=True),
    _text("topic"),
    _user_id(),
    Column("body", JSONB, nullable=False),
    _instant("created_at", default_now=True),
    _instant("published_at", nullable=True),
    # Assigned by the relay in the order of publication: what a reader's cursor may point at.
    Column("position", BigInteger),
    # Not before this: an event may be stored before it counts (see aurora/events/storage.py).
    _instant("due_at", default_now=True),
    # Set with the message's effect in one transaction: what was not consumed is published again.
    _instant("consumed_at", nullable=True),
    Index("ix_outbox_unpublished", "outbox_id", postgresql_where=text("published_at is null")),
    Index("ix_outbox_published_at", "published_at", postgresql_using="brin"),
    Index("ix_outbox_position", "position", unique=True),
    Index(
        "ix_outbox_in_flight",
        "outbox_id",
        postgresql_where=text(
            "published_at is not null and consumed_at is null and topic = 'aurora.events.accepted.v1'"
        ),
    ),
    schema="raw",
    comment="One row per message that has to reach the broker; written in the event's own transaction.",
)

touched_days = Table(
    "touched_days",
    metadata,
    _user_id(),
    Column("local_date", Date, nullable=False),
    Column("xid", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    PrimaryKeyConstraint("user_id", "local_date", "xid"),
    Index("ix_touched_days_xid", "xid"),
    schema="raw",
    comment="One row per user, local day and transaction that changed that day's events.",
)

builds = Table(
    "builds",
    metadata,
    Column("build_id", Uuid, primary_key=True),
    Column("snapshot_xmin", Xid8, nullable=False),
    Column("is_full", Boolean, nullable=False),
    _text("state"),
    _instant("started_at", default_now=True),
    _instant("finished_at", nullable=True),
    CheckConstraint("state in ('running', 'good', 'failed')", name="state"),
    schema="raw",
    comment="One row per build of the warehouse. The next takes the days touched since the last good one.",
)

user_days = Table(
    "user_days",
    metadata,
    _user_id(),
    Column("local_date", Date, nullable=False),
    _instant("day_started_at"),
    _instant("day_ended_at"),
    PrimaryKeyConstraint("user_id", "local_date"),
    schema="raw",
    comment="One row per user and local day that has an event or was asked for, with its UTC borders.",
)

rejected_events = Table(
    "rejected_events",
    metadata,
    Column("rejection_id", BigInteger, Identity(always=True), primary_key=True),
    _user_id(nullable=True),
    _text("source"),
    _text("reason_code"),
    _text("reason"),
    _text("body"),
    Column("batch_id", Uuid),
    Column("row_number", BigInteger),
    _instant("received_at", default_now=True),
    _instant("replayed_at", nullable=True),
    # By the person whose event it was: they want nothing of it any more.
    _instant("discarded_at", nullable=True),
    Index("ix_rejected_events_user_id", "user_id"),
    Index("ix_rejected_events_batch_id", "batch_id"),
    Index("ix_rejected_events_received_at", "received_at"),
    Index(
        "ix_rejected_events_waiting",
        "source",
        "reason_code",
        postgresql_where=text("replayed_at is null and discarded_at is null"),
    ),
    UniqueConstraint("batch_id", "row_number", "reason_code", "reason"),
    schema="raw",
    comment="One row per item that could not be accepted: the dead letter, kept whole with its reason.",
)

event_archives = Table(
    "event_archives",
    metadata,
    Column("month", Date, nullable=False),
    _text("file_name"),
    # written: the month is in the log as well. archived: the file alone has it. restored: the log has it again.
    _text("state"),
    Column("row_count", BigInteger, nullable=False),
    _text("row_digest"),
    Column("column_names", ARRAY(Text), nullable=False),
    _text("file_sha256"),
    Column("file_bytes", BigInteger, nullable=False),
    _instant("first_received_at"),
    _instant("written_at", default_now=True),
    _instant("archived_at", nullable=True),
    _instant("restored_at", nullable=True),
    _instant("keep_until", nullable=True),
    PrimaryKeyConstraint("month", "file_name"),
    Index(
        "ix_event_archives_in_use",
        "month",
        unique=True,
        postgresql_where=text("state in ('archived', 'restored')"),
    ),
    CheckConstraint("state in ('written', 'archived', 'restored', 'replaced')", name="state"),
    schema="raw",
    comment="One row per Parquet file of a month of the log; erasing a person rewrites the files.",
)

zone_data = Table(
    "zone_data",
    metadata,
    _text("tzdata_version"),
    _text("state"),
    # Where a pass that was killed goes on.
    Column("last_user_id", Uuid),
    Column("events_seen", BigInteger, nullable=False, server_default="0"),
    Column("events_moved", BigInteger, nullable=False, server_default="0"),
    Column("events_shifted", BigInteger, nullable=False, server_default="0"),
    _instant("started_at", default_now=True),
    _instant("finished_at", nullable=True),
    PrimaryKeyConstraint("tzdata_version", "started_at"),
    CheckConstraint("state in ('running', 'done')", name="state"),
    schema="raw",
    comment="One row per pass over the log that made its local days agree with a version of the zone data.",
)

import_batches = Table(
    "import_batches",
    metadata,
    Column("batch_id", Uuid, primary_key=True),
    _text("file_name"),
    _text("file_sha256"),
    _text("mapping"),
    _text("cohort"),
    Column("arrival_date", Date, nullable=False),
    _text("state"),
    Column("row_count", BigInteger, nullable=False, server_default="0"),
    Column("accepted", BigInteger, nullable=False, server_default="0"),
    Column("duplicate", BigInteger, nullable=False, server_default="0"),
    Column("superseded", BigInteger, nullable=False, server_default="0"),
    Column("conflict", BigInteger, nullable=False, server_default="0"),
    Column("rejected", BigInteger, nullable=False, server_default="0"),
    Column("empty", BigInteger, nullable=False, server_default="0"),
    _instant("started_at", default_now=True),
    _instant("finished_at", nullable=True),
    UniqueConstraint("file_sha256", "mapping", "cohort"),
    CheckConstraint("state in ('copying', 'held_back', 'storing', 'done', 'failed')", name="state"),
    schema="raw",
    comment="One row per imported file, mapping and cohort, with what became of its rows.",
)

import_rows = Table(
    "import_rows",
    metadata,
    Column("batch_id", Uuid, ForeignKey("raw.import_batches.batch_id", ondelete="CASCADE"), nullable=False),
    Column("row_number", BigInteger, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("arrival_date", Date, nullable=False),
    PrimaryKeyConstraint("batch_id", "row_number"),
    schema="raw",
    comment="One row per row of a landed file, as it came.",
)

simulations = Table(
    "simulations",
    metadata,
    Column("cohort", Text, primary_key=True),
    Column("seed", BigInteger, nullable=False),
    Column("users", Integer, nullable=False),
    Column("days", Integer, nullable=False),
    Column("ends_on", Date, nullable=False),
    Column("ceiling", JSONB, nullable=False),
    _text("truth_path"),
    _instant("created_at", default_now=True),
    schema="raw",
    comment="One row per simulated population, with the best scores that any model could attain on it.",
)

# --- predictions: what was predicted, by which model --------------------------------------------------------

model_artifacts = Table(
    "model_artifacts",
    metadata,
    _text("model_name"),
    _text("model_version"),
    _text("mlflow_run_id", nullable=True),
    Column("artifact", LargeBinary, nullable=False),
    _text("sha256"),
    Column("metadata", JSONB, nullable=False),
    _instant("published_at", default_now=True),
    PrimaryKeyConstraint("model_name", "model_version"),
    schema="predictions",
    comment="One row per published model version: serving and streams load it from here, not from MLflow.",
)

model_aliases = Table(
    "model_aliases",
    metadata,
    _text("model_name"),
    _text("alias"),
    _text("model_version"),
    _instant("moved_at", default_now=True),
    PrimaryKeyConstraint("model_name", "alias"),
    schema="predictions",
    comment="One row per alias of a model: which version is champion or challenger now.",
)

model_alias_history = Table(
    "model_alias_history",
    metadata,
    Column("move_id", BigInteger, Identity(always=True), primary_key=True),
    _text("model_name"),
    _text("alias"),
    _text("model_version", nullable=True),
    _text("previous_version", nullable=True),
    _text("reason"),
    _text("run_id", nullable=True),
    _instant("moved_at", default_now=True),
    schema="predictions",
    comment="One row per move of an alias, with why and by which run.",
)

predictions = Table(
    "predictions",
    metadata,
    Column("prediction_id", Uuid, primary_key=True),
    _user_id(),
    _text("model_name"),
    _text("model_version", nullable=True),
    _text("model_source"),
    _instant("as_of"),
    Column("local_date", Date, nullable=False),
    Column("value", Double),
    _text("class", nullable=True),
    Column("probabilities", JSONB),
    Column("lower", Double),
    Column("upper", Double),
    Column("baseline", Double),
    _text("baseline_name", nullable=True),
    Column("features", JSONB, nullable=False),
    Column("reasons", JSONB, nullable=False, server_default="[]"),
    _text("origin"),
    _instant("created_at", default_now=True),
    UniqueConstraint("user_id", "model_name", "as_of", "origin"),
    CheckConstraint("model_source in ('model', 'baseline', 'none')", name="model_source"),
    CheckConstraint("origin in ('batch', 'live', 'api')", name="origin"),
    Index("ix_predictions_user_id_model_name_created_at", "user_id", "model_name", "created_at"),
    schema="predictions",
    comment="One row per prediction that anybody was shown, with the vector it was made from.",
)

OWNED_SCHEMAS = ("app", "raw", "predictions")
