"""Drop the feature tables of domains: all features of a moment are one row now.

Views over them go with them. The next build is a full one, as what the tables mean has changed, and makes all anew.
"""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"

_DOMAINS = ("clock", "sleep", "activity", "intake", "ratings", "moods", "surroundings")


def upgrade() -> None:
    for domain in _DOMAINS:
        op.execute(f"drop table if exists features.moment_{domain}_features cascade")


def downgrade() -> None:
    """Nothing: a build of before is a full one, too, and makes them anew."""
