"""Send e-mails, and know which address of a person was confirmed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("users", sa.Column("email_verified_at", sa.DateTime(timezone=True)), schema="app")
    op.add_column("users", sa.Column("email_wanted_ciphertext", sa.LargeBinary()), schema="app")
    # Nobody has confirmed an address so far: each waits for it.
    op.execute(
        "update app.users set email_wanted_ciphertext = email_ciphertext, email_ciphertext = null, email_hash = null"
    )
    op.create_check_constraint(
        op.f("ck_users_email"),
        "users",
        "num_nulls(email_hash, email_ciphertext, email_verified_at) in (0, 3)",
        schema="app",
    )
    op.create_table(
        "email_tokens",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("email_hash", sa.LargeBinary(), nullable=False),
        sa.Column("email_ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_email_tokens")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app.users.user_id"], name=op.f("fk_email_tokens_user_id"), ondelete="CASCADE"
        ),
        sa.CheckConstraint("purpose in ('verify', 'reset')", name=op.f("ck_email_tokens_purpose")),
        schema="app",
        comment="One row per link that was sent by e-mail: it works once, and is void when `used_at` is set. "
        "Erased with the person.",
    )
    op.create_index("ix_email_tokens_user_id", "email_tokens", ["user_id"], schema="app")
    op.create_table(
        "outgoing_emails",
        sa.Column("email_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recipient_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("recipient_ciphertext", sa.LargeBinary()),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "next_attempt_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("failed_at", sa.DateTime(timezone=True)),
        sa.Column("last_error", sa.Text()),
        sa.PrimaryKeyConstraint("email_id", name=op.f("pk_outgoing_emails")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app.users.user_id"], name=op.f("fk_outgoing_emails_user_id"), ondelete="CASCADE"
        ),
        sa.CheckConstraint(
            "kind in ('verify', 'reset', 'email_change', 'password_changed', 'account_deleted')",
            name=op.f("ck_outgoing_emails_kind"),
        ),
        sa.CheckConstraint(
            "kind = 'reset' or num_nulls(user_id, recipient_ciphertext) = 0",
            name=op.f("ck_outgoing_emails_recipient"),
        ),
        schema="app",
        comment="One row per e-mail to send or sent; of a password reset, per request for one. "
        "Erased with the person.",
    )
    op.create_index("ix_outgoing_emails_user_id", "outgoing_emails", ["user_id"], schema="app")
    op.create_index(
        "ix_outgoing_emails_recipient_hash", "outgoing_emails", ["recipient_hash", "kind"], schema="app"
    )
    op.create_index(
        "ix_outgoing_emails_next_attempt_at",
        "outgoing_emails",
        ["next_attempt_at"],
        schema="app",
        postgresql_where=sa.text("sent_at is null and failed_at is null"),
    )


def downgrade() -> None:
    op.drop_table("outgoing_emails", schema="app")
    op.drop_table("email_tokens", schema="app")
    op.drop_constraint(op.f("ck_users_email"), "users", schema="app")
    # What was confirmed is not known any more, and opens no login: the address goes back to one that is stored.
    op.execute(
        "update app.users set email_hash = null, email_ciphertext = coalesce(email_ciphertext, email_wanted_ciphertext)"
    )
    op.drop_column("users", "email_wanted_ciphertext", schema="app")
    op.drop_column("users", "email_verified_at", schema="app")
