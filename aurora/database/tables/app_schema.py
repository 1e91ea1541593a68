"""The schema `app`: people and their sessions, what they are told, and what is switched on for them."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from aurora.database.tables.columns import instant_column, metadata, text_column, user_id_column

users = Table(
    "users",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    text_column("username"),
    # Of the address that was confirmed. One that waits for it reserves nothing and opens nothing.
    Column("email_hash", LargeBinary, unique=True),
    Column("email_ciphertext", LargeBinary),
    instant_column("email_verified_at", nullable=True),
    Column("email_wanted_ciphertext", LargeBinary),
    text_column("password_hash", nullable=True),
    text_column("display_name", nullable=True),
    text_column("tz", default="UTC"),
    text_column("cohort", default="real"),
    text_column("persona", nullable=True),
    Column("data_key_ciphertext", LargeBinary, nullable=False),
    text_column("units", default="metric"),
    Column("scales", JSONB, nullable=False, server_default="{}"),
    text_column("role", default="user"),
    Column("requests_per_minute", Integer),
    instant_column("created_at", default_now=True),
    instant_column("deleted_at", nullable=True),
    UniqueConstraint("username"),
    CheckConstraint("units in ('metric', 'imperial')", name="units"),
    CheckConstraint("num_nulls(email_hash, email_ciphertext, email_verified_at) in (0, 3)", name="email"),
    CheckConstraint("role in ('user', 'analyst', 'operator', 'admin')", name="role"),
    CheckConstraint("requests_per_minute > 0", name="requests_per_minute"),
    Index("ix_users_cohort", "cohort"),
    # Logins ask for the highest cost of all hashes (serving/auth/people.py).
    Index("ix_users_password_cost", text("substr(password_hash, 5, 2)")),
    Index("ix_users_created_at", "created_at", "user_id"),
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
    instant_column("created_at", default_now=True),
    instant_column("expires_at"),
    instant_column("rotated_at", nullable=True),
    instant_column("revoked_at", nullable=True),
    text_column("user_agent", nullable=True),
    Index("ix_sessions_user_id", "user_id"),
    Index("ix_sessions_family_id", "family_id"),
    schema="app",
    comment="One row per refresh token that was ever issued; a family is one login.",
)

email_tokens = Table(
    "email_tokens",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("user_id", Uuid, ForeignKey("app.users.user_id", ondelete="CASCADE"), nullable=False),
    text_column("purpose"),
    Column("email_hash", LargeBinary, nullable=False),
    Column("email_ciphertext", LargeBinary, nullable=False),
    instant_column("created_at", default_now=True),
    instant_column("expires_at"),
    instant_column("used_at", nullable=True),
    CheckConstraint("purpose in ('verify', 'reset')", name="purpose"),
    Index("ix_email_tokens_user_id", "user_id"),
    schema="app",
    comment="One row per link that was sent by e-mail: it works once, and is void when `used_at` is set. "
    "Erased with the person.",
)

outgoing_emails = Table(
    "outgoing_emails",
    metadata,
    Column("email_id", Uuid, primary_key=True),
    text_column("kind"),
    Column("recipient_hash", LargeBinary, nullable=False),
    Column("user_id", Uuid, ForeignKey("app.users.user_id", ondelete="CASCADE")),
    Column("recipient_ciphertext", LargeBinary),
    instant_column("created_at", default_now=True),
    Column("attempts", Integer, nullable=False, server_default="0"),
    instant_column("next_attempt_at", default_now=True),
    instant_column("sent_at", nullable=True),
    instant_column("failed_at", nullable=True),
    text_column("last_error", nullable=True),
    CheckConstraint(
        "kind in ('verify', 'reset', 'email_change', 'password_changed', 'account_deleted')", name="kind"
    ),
    # Whose address a reset is asked for is found out by the worker: the request does the same for everybody.
    CheckConstraint("kind = 'reset' or num_nulls(user_id, recipient_ciphertext) = 0", name="recipient"),
    Index("ix_outgoing_emails_user_id", "user_id"),
    Index("ix_outgoing_emails_recipient_hash", "recipient_hash", "kind"),
    Index(
        "ix_outgoing_emails_next_attempt_at",
        "next_attempt_at",
        postgresql_where=text("sent_at is null and failed_at is null"),
    ),
    schema="app",
    comment="One row per e-mail to send or sent; of a password reset, per request for one. "
    "Erased with the person.",
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("app.users.user_id", ondelete="CASCADE"), nullable=False),
    text_column("name"),
    text_column("prefix"),
    Column("key_hash", LargeBinary, nullable=False, unique=True),
    Column("scopes", ARRAY(Text), nullable=False),
    instant_column("created_at", default_now=True),
    instant_column("expires_at", nullable=True),
    instant_column("last_used_at", nullable=True),
    instant_column("revoked_at", nullable=True),
    Index("ix_api_keys_user_id", "user_id"),
    schema="app",
    comment="One row per API key that was ever made; the key itself is stored nowhere.",
)

pseudonyms = Table(
    "pseudonyms",
    metadata,
    Column("user_id", Uuid, ForeignKey("app.users.user_id", ondelete="CASCADE"), primary_key=True),
    Column("person_key", Uuid, nullable=False, unique=True),
    Column("record_salt", LargeBinary, nullable=False),
    text_column("made_with"),
    schema="app",
    comment="One row per person: the key by which analysts know them. Erased with the person.",
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    user_id_column(),
    text_column("key"),
    Column("request_hash", LargeBinary, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", JSONB, nullable=False),
    instant_column("created_at", default_now=True),
    PrimaryKeyConstraint("user_id", "key"),
    Index("ix_idempotency_keys_created_at", "created_at"),
    schema="app",
    comment="One row per mutation that named an Idempotency-Key, with the answer it got.",
)

notice_heads = Table(
    "notice_heads",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    text_column("epoch"),
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
    user_id_column(),
    Column("position", BigInteger, nullable=False),
    text_column("subject"),
    # json, not jsonb: it is told as it was written.
    Column("body", JSON, nullable=False),
    instant_column("written_at", default_now=True),
    PrimaryKeyConstraint("user_id", "position"),
    Index("ix_notices_written_at", "written_at", postgresql_using="brin"),
    schema="app",
    comment="One row per notice to a person's apps, kept for three days. Erased with the person.",
)

feature_flags = Table(
    "feature_flags",
    metadata,
    Column("name", Text, primary_key=True),
    Column("is_on", Boolean, nullable=False),
    # As serving/flags/targeting.py has them.
    Column("rules", JSONB, nullable=False, server_default="[]"),
    instant_column("updated_at", default_now=True),
    CheckConstraint("jsonb_typeof(rules) = 'array'", name="rules"),
    schema="app",
    comment="One row per feature flag that an administrator has set; any other is as the catalogue says.",
)
