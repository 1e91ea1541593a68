"""Keep with each local day the time zone whose borders it has: where people live now may be elsewhere."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

# A zone in which the day begins where it does, of the events that lie in the log.
_FROM_EVENTS = """
    update raw.user_days as days
    set tz = told.tz
    from (
        select user_id, local_date, day_started_at, min(tz) as tz
        from raw.events
        group by user_id, local_date, day_started_at
    ) as told
    where
        days.user_id = told.user_id
        and days.local_date = told.local_date
        and days.day_started_at = told.day_started_at
"""

# Of days that were only asked for, or whose events are archived.
_FROM_PROFILES = """
    update raw.user_days as days
    set tz = coalesce((select users.tz from app.users as users where users.user_id = days.user_id), 'UTC')
    where days.tz is null
"""


def upgrade() -> None:
    op.add_column("user_days", sa.Column("tz", sa.Text, nullable=True), schema="raw")
    op.execute(_FROM_EVENTS)
    op.execute(_FROM_PROFILES)
    op.alter_column("user_days", "tz", nullable=False, schema="raw")


def downgrade() -> None:
    op.drop_column("user_days", "tz", schema="raw")
