"""The audit trail in the schema `app`: who changed what, and the seals that prove that nobody changed that."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    LargeBinary,
    Table,
    Uuid,
    text,
)

from aurora.database.tables.columns import PgSnapshot, Xid8, instant_column, metadata, text_column

audit = Table(
    "audit",
    metadata,
    Column("audit_id", BigInteger, Identity(always=True), primary_key=True),
    # Of the insert, not of its transaction: a row that was written after a seal is later than it.
    Column("at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("xid", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    text_column("action"),
    text_column("actor_kind"),
    Column("actor_id", Uuid),
    Column("credential_id", Uuid),
    Column("subject_user_id", Uuid),
    text_column("subject_id"),
    Column("before_hash", LargeBinary),
    Column("after_hash", LargeBinary),
    text_column("request_id", nullable=True),
    CheckConstraint(
        "actor_kind in ('login', 'key', 'link', 'visitor', 'command', 'system')", name="actor_kind"
    ),
    CheckConstraint("(actor_kind in ('login', 'key')) = (credential_id is not null)", name="credential"),
    Index("ix_audit_xid", "xid"),
    Index("ix_audit_at", "at", "audit_id"),
    Index("ix_audit_actor_id", "actor_id", "at", "audit_id"),
    Index("ix_audit_subject_user_id", "subject_user_id", "at", "audit_id"),
    schema="app",
    comment="One row per mutation that was asked for and done, for ever: ids, and hashes by a key that is erased "
    "with the person.",
)

audit_seals = Table(
    "audit_seals",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    # Unique: nothing follows on the same seal twice.
    Column("previous_digest", LargeBinary, nullable=False, unique=True),
    Column("audit_ids", ARRAY(BigInteger), nullable=False),
    Column("row_hashes", ARRAY(LargeBinary), nullable=False),
    # What was committed when this seal was made, and in which cluster transactions have these ids.
    Column("snapshot", PgSnapshot, nullable=False),
    text_column("cluster"),
    instant_column("sealed_at"),
    Column("digest", LargeBinary, nullable=False, unique=True),
    CheckConstraint("cardinality(audit_ids) = cardinality(row_hashes)", name="as_many_hashes_as_rows"),
    Index("ix_audit_seals_audit_ids", "audit_ids", postgresql_using="gin"),
    schema="app",
    comment="One row per seal: some rows of the audit trail in their order, chained to the seal before.",
)
