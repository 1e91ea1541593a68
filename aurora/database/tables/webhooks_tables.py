"""Webhooks in the schema `app`: where people's servers want to be told, what is told them, and how it went."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
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

from aurora.database.tables.columns import instant_column, metadata, text_column

_WAITS = text("delivered_at is null and failed_at is null")


def _webhook_id_column() -> Column[object]:
    return Column(
        "webhook_id", Uuid, ForeignKey("app.webhooks.webhook_id", ondelete="CASCADE"), nullable=False
    )


webhooks = Table(
    "webhooks",
    metadata,
    Column("webhook_id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("app.users.user_id", ondelete="CASCADE"), nullable=False),
    text_column("url"),
    text_column("description", nullable=True),
    Column("event_types", ARRAY(Text), nullable=False),
    # The place in the person's line of notices up to which deliveries are written.
    text_column("epoch", default=""),
    Column("position", BigInteger, nullable=False, server_default="0"),
    instant_column("disabled_at", nullable=True),
    text_column("disabled_reason", nullable=True),
    instant_column("failing_since", nullable=True),
    instant_column("created_at", default_now=True),
    instant_column("updated_at", default_now=True),
    CheckConstraint("disabled_reason in ('owner', 'gone', 'failing')", name="disabled_reason"),
    CheckConstraint("(disabled_at is null) = (disabled_reason is null)", name="disabled"),
    Index("ix_webhooks_user_id_created_at", "user_id", "created_at"),
    schema="app",
    comment="One row per address to which a person has what happens sent. Erased with the person.",
)

webhook_secrets = Table(
    "webhook_secrets",
    metadata,
    Column("secret_id", Uuid, primary_key=True),
    _webhook_id_column(),
    Column("ciphertext", LargeBinary, nullable=False),
    instant_column("created_at", default_now=True),
    instant_column("expires_at", nullable=True),
    Index("ix_webhook_secrets_webhook_id", "webhook_id"),
    schema="app",
    comment="One row per secret that a webhook's deliveries are signed with, under the person's data key; one that was "
    "replaced has an end. Erased with the webhook.",
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("delivery_id", Uuid, primary_key=True),
    _webhook_id_column(),
    text_column("type"),
    text_column("epoch", nullable=True),
    Column("position", BigInteger),
    # json, not jsonb: it is sent as it was written.
    Column("body", JSON, nullable=False),
    instant_column("created_at", default_now=True),
    instant_column("next_attempt_at", default_now=True),
    # Until then a process is at it. One that dies leaves it to the others by doing nothing.
    instant_column("leased_until", nullable=True),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # The attempts that were made before the schedule began anew, by a person's wish.
    Column("earlier_attempts", Integer, nullable=False, server_default="0"),
    instant_column("delivered_at", nullable=True),
    instant_column("failed_at", nullable=True),
    UniqueConstraint("webhook_id", "epoch", "position"),
    CheckConstraint("delivered_at is null or failed_at is null", name="settled_once"),
    Index("ix_webhook_deliveries_webhook_id_created_at", "webhook_id", "created_at"),
    Index(
        "ix_webhook_deliveries_waiting",
        "webhook_id",
        "next_attempt_at",
        "position",
        postgresql_where=_WAITS,
    ),
    Index(
        "ix_webhook_deliveries_webhook_id_leased_until",
        "webhook_id",
        "leased_until",
        postgresql_where=text("leased_until is not null"),
    ),
    Index("ix_webhook_deliveries_created_at", "created_at", postgresql_using="brin"),
    schema="app",
    comment="One row per message to one webhook, kept for 30 days. Erased with the webhook.",
)

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    Column(
        "delivery_id",
        Uuid,
        ForeignKey("app.webhook_deliveries.delivery_id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("number", Integer, nullable=False),
    instant_column("attempted_at"),
    Column("duration_ms", Integer, nullable=False),
    Column("status", Integer),
    text_column("problem", nullable=True),
    PrimaryKeyConstraint("delivery_id", "number"),
    schema="app",
    comment="One row per attempt to deliver, without anything that the receiver said. Erased with the delivery.",
)
