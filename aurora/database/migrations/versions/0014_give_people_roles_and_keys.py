"""Give people roles, and keys for their programs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0014"
down_revision = "0013"

# Heard by every worker of the API (serving/auth/logins.py).
_TELL = """
    create function app.tell_login_changed() returns trigger language plpgsql as $$
    begin
        perform pg_notify('aurora_logins', old.user_id::text);
        return null;
    end
    $$
"""
_CHANGES = (
    "update or delete on app.users for each row",
    "update of revoked_at on app.sessions for each row when (old.revoked_at is distinct from new.revoked_at)",
    # That a key was used changes nothing about it.
    "update on app.api_keys for each row when (old.last_used_at is not distinct from new.last_used_at)",
)


def upgrade() -> None:
    op.add_column("users", sa.Column("role", sa.Text(), server_default="user", nullable=False), schema="app")
    op.create_check_constraint(
        op.f("ck_users_role"), "users", "role in ('user', 'analyst', 'operator', 'admin')", schema="app"
    )
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app.users.user_id"], name=op.f("fk_api_keys_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
        schema="app",
        comment="One row per API key that was ever made; the key itself is stored nowhere.",
    )
    op.create_index("ix_api_keys_user_id", "api_keys", ["user_id"], schema="app")
    op.execute(_TELL)
    for change in _CHANGES:
        op.execute(
            f"create trigger tell_login_changed after {change} execute function app.tell_login_changed()"
        )


def downgrade() -> None:
    op.execute("drop function app.tell_login_changed() cascade")
    op.drop_index("ix_api_keys_user_id", table_name="api_keys", schema="app")
    op.drop_table("api_keys", schema="app")
    op.drop_constraint(op.f("ck_users_role"), "users", schema="app")
    op.drop_column("users", "role", schema="app")
