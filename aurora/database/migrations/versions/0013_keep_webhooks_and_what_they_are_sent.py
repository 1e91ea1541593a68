"""Keep webhooks, their secrets, what they are sent, and how each attempt went."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("webhook_id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("event_types", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("epoch", sa.Text(), server_default="", nullable=False),
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True)),
        sa.Column("disabled_reason", sa.Text()),
        sa.Column("failing_since", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app.users.user_id"], name=op.f("fk_webhooks_user_id"), ondelete="CASCADE"
        ),
        sa.CheckConstraint(
            "disabled_reason in ('owner', 'gone', 'failing')", name=op.f("ck_webhooks_disabled_reason")
        ),
        sa.CheckConstraint(
            "(disabled_at is null) = (disabled_reason is null)", name=op.f("ck_webhooks_disabled")
        ),
        schema="app",
        comment="One row per address to which a person has what happens sent. Erased with the person.",
    )
    op.create_index("ix_webhooks_user_id_created_at", "webhooks", ["user_id", "created_at"], schema="app")
    op.create_table(
        "webhook_secrets",
        sa.Column("secret_id", sa.Uuid(), primary_key=True),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        _of_a_webhook("webhook_secrets"),
        schema="app",
        comment="One row per secret that a webhook's deliveries are signed with, under the person's data key; one that was "
        "replaced has an end. Erased with the webhook.",
    )
    op.create_index("ix_webhook_secrets_webhook_id", "webhook_secrets", ["webhook_id"], schema="app")
    _create_deliveries()
    op.create_table(
        "webhook_attempts",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("problem", sa.Text()),
        sa.PrimaryKeyConstraint("delivery_id", "number", name=op.f("pk_webhook_attempts")),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["app.webhook_deliveries.delivery_id"],
            name=op.f("fk_webhook_attempts_delivery_id"),
            ondelete="CASCADE",
        ),
        schema="app",
        comment="One row per attempt to deliver, without anything that the receiver said. Erased with the delivery.",
    )


def downgrade() -> None:
    for name in ("webhook_attempts", "webhook_deliveries", "webhook_secrets", "webhooks"):
        op.drop_table(name, schema="app")


def _create_deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("delivery_id", sa.Uuid(), primary_key=True),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Text()),
        sa.Column("position", sa.BigInteger()),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column(
            "next_attempt_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column("leased_until", sa.DateTime(timezone=True)),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("earlier_attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True)),
        sa.Column("failed_at", sa.DateTime(timezone=True)),
        _of_a_webhook("webhook_deliveries"),
        sa.UniqueConstraint(
            "webhook_id", "epoch", "position", name=op.f("uq_webhook_deliveries_webhook_id_epoch_position")
        ),
        sa.CheckConstraint(
            "delivered_at is null or failed_at is null", name=op.f("ck_webhook_deliveries_settled_once")
        ),
        schema="app",
        comment="One row per message to one webhook, kept for 30 days. Erased with the webhook.",
    )
    op.create_index(
        "ix_webhook_deliveries_webhook_id_created_at",
        "webhook_deliveries",
        ["webhook_id", "created_at"],
        schema="app",
    )
    op.create_index(
        "ix_webhook_deliveries_waiting",
        "webhook_deliveries",
        ["webhook_id", "next_attempt_at", "position"],
        schema="app",
        postgresql_where=sa.text("delivered_at is null and failed_at is null"),
    )
    op.create_index(
        "ix_webhook_deliveries_webhook_id_leased_until",
        "webhook_deliveries",
        ["webhook_id", "leased_until"],
        schema="app",
        postgresql_where=sa.text("leased_until is not null"),
    )
    op.create_index(
        "ix_webhook_deliveries_created_at",
        "webhook_deliveries",
        ["created_at"],
        schema="app",
        postgresql_using="brin",
    )


def _of_a_webhook(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["webhook_id"],
        ["app.webhooks.webhook_id"],
        name=op.f(f"fk_{table}_webhook_id"),
        ondelete="CASCADE",
    )
