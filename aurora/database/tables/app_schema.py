"""The schema `app`: people and their sessions."""

from __future__ import annotations

from sqlalchemy import (
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
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from aurora.database.tables.columns import instant_column, metadata, text_column, user_id_column

users = Table(
    "users",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    text_column("username"),
    Column("email_hash", LargeBinary, unique=True),
    Column("email_ciphertext", LargeBinary),
    text_column("password_hash", nullable=True),
    text_column("display_name", nullable=True),
    text_column("tz", default="UTC"),
    text_column("cohort", default="real"),
    text_column("persona", nullable=True),
    Column("data_key_ciphertext", LargeBinary, nullable=False),
    text_column("units", default="metric"),
    Column("scales", JSONB, nullable=False, server_default="{}"),
    text_column("role", default="user"),
    instant_column("created_at", default_now=True),
    instant_column("deleted_at", nullable=True),
    UniqueConstraint("username"),
    CheckConstraint("units in ('metric', 'imperial')", name="units"),
    CheckConstraint("role in ('user', 'analyst', 'operator', 'admin')", name="role"),
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
