"""The schema `raw`: the log of events and what surrounds it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from aurora.database.tables.columns import (
    PgSnapshot,
    Xid8,
    instant_column,
    metadata,
    text_column,
    user_id_column,
)

events = Table(
    "events",
    metadata,
    user_id_column(),
    Column("event_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    text_column("type"),
    Column("schema_version", Integer, nullable=False),
    instant_column("started_at"),
    instant_column("ended_at", nullable=True),
    text_column("tz"),
    Column("local_date", Date, nullable=False),
    Column("local_started_at", DateTime(timezone=False), nullable=False),
    Column("local_ended_at", DateTime(timezone=False)),
    instant_column("day_started_at"),
    text_column("precision"),
    text_column("source_name"),
    text_column("source_record_id", nullable=True),
    text_column("source_device", nullable=True),
    text_column("modality"),
    text_column("form_id", nullable=True),
    Column("payload", JSONB, nullable=False),
    Column("note_ciphertext", LargeBinary),
    Column("is_deleted", Boolean, nullable=False),
    Column("body_hash", LargeBinary, nullable=False),
    instant_column("received_at"),
    instant_column("known_at"),
    instant_column("available_at"),
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
    user_id_column(),
    Column("event_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body_hash", LargeBinary, nullable=False),
    instant_column("started_at"),
    Column("local_date", Date, nullable=False),
    PrimaryKeyConstraint("user_id", "event_id", "version"),
    schema="raw",
    comment="One row per version of an event: uniqueness, which a table partitioned by time cannot keep.",
)

outbox = Table(
    "outbox",
    metadata,
    Column("outbox_id", BigInteger, Identity(always=True), primary_key=True),
    text_column("topic"),
    user_id_column(),
    Column("body", JSONB, nullable=False),
    instant_column("created_at", default_now=True),
    instant_column("published_at", nullable=True),
    # Assigned by the relay in the order of publication: what a reader's cursor may point at.
    Column("position", BigInteger),
    # Not before this: an event may be stored before it counts (see aurora/events/storage.py).
    instant_column("due_at", default_now=True),
    # Set with the message's effect in one transaction: what was not consumed is published again.
    instant_column("consumed_at", nullable=True),
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
    user_id_column(),
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
    Column("snapshot", PgSnapshot, nullable=False),
    Column("is_full", Boolean, nullable=False),
    text_column("state"),
    instant_column("started_at", default_now=True),
    instant_column("finished_at", nullable=True),
    CheckConstraint("state in ('running', 'good', 'failed')", name="state"),
    schema="raw",
    comment="One row per build of the warehouse. The next takes the days touched since the last good one.",
)

user_days = Table(
    "user_days",
    metadata,
    user_id_column(),
    Column("local_date", Date, nullable=False),
    instant_column("day_started_at"),
    instant_column("day_ended_at"),
    text_column("tz"),
    PrimaryKeyConstraint("user_id", "local_date"),
    schema="raw",
    comment="One row per user and local day that has an event or was asked for, with its UTC borders.",
)

rejected_events = Table(
    "rejected_events",
    metadata,
    Column("rejection_id", BigInteger, Identity(always=True), primary_key=True),
    user_id_column(nullable=True),
    text_column("source"),
    text_column("reason_code"),
    text_column("reason"),
    text_column("body"),
    Column("batch_id", Uuid),
    Column("row_number", BigInteger),
    instant_column("received_at", default_now=True),
    instant_column("replayed_at", nullable=True),
    # By the person whose event it was: they want nothing of it any more.
    instant_column("discarded_at", nullable=True),
    Index("ix_rejected_events_user_id_received_at", "user_id", "received_at", "rejection_id"),
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
    text_column("file_name"),
    # written: the month is in the log as well. archived: the file alone has it. restored: the log has it again.
    text_column("state"),
    Column("row_count", BigInteger, nullable=False),
    text_column("row_digest"),
    Column("column_names", ARRAY(Text), nullable=False),
    text_column("file_sha256"),
    Column("file_bytes", BigInteger, nullable=False),
    instant_column("first_received_at"),
    instant_column("written_at", default_now=True),
    instant_column("archived_at", nullable=True),
    instant_column("restored_at", nullable=True),
    instant_column("keep_until", nullable=True),
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
    text_column("tzdata_version"),
    text_column("state"),
    # Where a pass that was killed goes on.
    Column("last_user_id", Uuid),
    Column("events_seen", BigInteger, nullable=False, server_default="0"),
    Column("events_moved", BigInteger, nullable=False, server_default="0"),
    Column("events_shifted", BigInteger, nullable=False, server_default="0"),
    instant_column("started_at", default_now=True),
    instant_column("finished_at", nullable=True),
    PrimaryKeyConstraint("tzdata_version", "started_at"),
    CheckConstraint("state in ('running', 'done')", name="state"),
    schema="raw",
    comment="One row per pass over the log that made its local days agree with a version of the zone data.",
)

import_batches = Table(
    "import_batches",
    metadata,
    Column("batch_id", Uuid, primary_key=True),
    text_column("file_name"),
    text_column("file_sha256"),
    text_column("mapping"),
    text_column("cohort"),
    Column("arrival_date", Date, nullable=False),
    text_column("state"),
    Column("row_count", BigInteger, nullable=False, server_default="0"),
    Column("accepted", BigInteger, nullable=False, server_default="0"),
    Column("duplicate", BigInteger, nullable=False, server_default="0"),
    Column("superseded", BigInteger, nullable=False, server_default="0"),
    Column("conflict", BigInteger, nullable=False, server_default="0"),
    Column("rejected", BigInteger, nullable=False, server_default="0"),
    Column("empty", BigInteger, nullable=False, server_default="0"),
    instant_column("started_at", default_now=True),
    instant_column("finished_at", nullable=True),
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
    text_column("truth_path"),
    instant_column("created_at", default_now=True),
    schema="raw",
    comment="One row per simulated population, with the best scores that any model could attain on it.",
)
