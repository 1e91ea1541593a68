"""Keep an audit trail that can only be added to, and the seals over it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from aurora.database.tables import PgSnapshot, Xid8

revision = "0015"
down_revision = "0014"

_REFUSE = """
    create function app.refuse_to_change_audit() returns trigger
    language plpgsql set search_path = pg_catalog as $$
    begin
        raise exception '% is append-only: % refused', tg_table_name, lower(tg_op)
            using
                errcode = 'restrict_violation',
                hint = 'A row has nothing in it that has to be erased: what its hashes mean goes with the key of its person.';
    end
    $$
"""
_INDEXES = (
    ("ix_audit_xid", ["xid"]),
    ("ix_audit_at", ["at", "audit_id"]),
    ("ix_audit_actor_id", ["actor_id", "at", "audit_id"]),
    ("ix_audit_subject_user_id", ["subject_user_id", "at", "audit_id"]),
)


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("audit_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("xid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid()),
        sa.Column("credential_id", sa.Uuid()),
        sa.Column("subject_user_id", sa.Uuid()),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("before_hash", sa.LargeBinary()),
        sa.Column("after_hash", sa.LargeBinary()),
        sa.Column("request_id", sa.Text()),
        sa.PrimaryKeyConstraint("audit_id", name=op.f("pk_audit")),
        sa.CheckConstraint(
            "actor_kind in ('login', 'key', 'link', 'visitor', 'command', 'system')",
            name=op.f("ck_audit_actor_kind"),
        ),
        sa.CheckConstraint(
            "(actor_kind in ('login', 'key')) = (credential_id is not null)",
            name=op.f("ck_audit_credential"),
        ),
        schema="app",
        comment="One row per mutation that was asked for and done, for ever: ids, and hashes by a key that is erased "
        "with the person.",
    )
    for name, columns in _INDEXES:
        op.create_index(name, "audit", columns, schema="app")
    op.create_table(
        "audit_seals",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("previous_digest", sa.LargeBinary(), nullable=False),
        sa.Column("audit_ids", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("row_hashes", sa.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("snapshot", PgSnapshot(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_seals")),
        sa.UniqueConstraint("previous_digest", name=op.f("uq_audit_seals_previous_digest")),
        sa.UniqueConstraint("digest", name=op.f("uq_audit_seals_digest")),
        sa.CheckConstraint(
            "cardinality(audit_ids) = cardinality(row_hashes)",
            name=op.f("ck_audit_seals_as_many_hashes_as_rows"),
        ),
        schema="app",
        comment="One row per seal: some rows of the audit trail in their order, chained to the seal before.",
    )
    op.create_index(
        "ix_audit_seals_audit_ids", "audit_seals", ["audit_ids"], schema="app", postgresql_using="gin"
    )
    op.execute(_REFUSE)
    for table in ("audit", "audit_seals"):
        # Of each statement: also one that would meet no row is refused, and a truncate.
        op.execute(
            f"create trigger audit_is_append_only before update or delete or truncate on app.{table}"
            " for each statement execute function app.refuse_to_change_audit()"
        )


def downgrade() -> None:
    op.drop_table("audit_seals", schema="app")
    op.drop_table("audit", schema="app")
    op.execute("drop function app.refuse_to_change_audit()")
