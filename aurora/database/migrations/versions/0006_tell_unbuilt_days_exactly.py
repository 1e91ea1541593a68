"""Tell the days that a build has not seen exactly: keep its whole snapshot, not only where that begins."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from aurora.database.tables import PgSnapshot, Xid8
from aurora.database.unbuilt import CREATE_LAST_GOOD_BUILD, CREATE_UNBUILT_DAYS

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("builds", sa.Column("snapshot", PgSnapshot(), nullable=True), schema="raw")
    # As before: what began when the oldest transaction of that moment had begun is built again.
    op.execute("update raw.builds set snapshot = (snapshot_xmin || ':' || snapshot_xmin || ':')::pg_snapshot")
    op.alter_column("builds", "snapshot", nullable=False, schema="raw")
    op.drop_column("builds", "snapshot_xmin", schema="raw")
    op.execute(CREATE_LAST_GOOD_BUILD)
    op.execute(CREATE_UNBUILT_DAYS)


def downgrade() -> None:
    op.execute("drop view raw.unbuilt_days")
    op.execute("drop view raw.last_good_build")
    op.add_column("builds", sa.Column("snapshot_xmin", Xid8(), nullable=True), schema="raw")
    op.execute("update raw.builds set snapshot_xmin = pg_snapshot_xmin(snapshot)")
    op.alter_column("builds", "snapshot_xmin", nullable=False, schema="raw")
    op.drop_column("builds", "snapshot", schema="raw")
