"""What the warehouse has yet to build. Migration 0006 makes these views; docs/decisions/0004 says why so.

- `raw.last_good_build`: the build that the warehouse shows; no row before there was one.
- `raw.unbuilt_days`: the touched days that it could not see, every one before there was a build.
"""

from __future__ import annotations

from typing import Final, LiteralString

# The record of a build takes a transaction id: a later build's snapshot ends behind it, whatever clocks say.
CREATE_LAST_GOOD_BUILD: Final[LiteralString] = """
    create view raw.last_good_build with (security_invoker = true) as
    select build_id, snapshot, is_full, started_at, finished_at
    from raw.builds
    where state = 'good'
    order by pg_snapshot_xmax(snapshot) desc
    limit 1
"""

# The first condition is one that an index serves; the second is the one that decides.
CREATE_UNBUILT_DAYS: Final[LiteralString] = """
    create view raw.unbuilt_days with (security_invoker = true) as
    select user_id, local_date, xid
    from raw.touched_days
    where
        xid >= coalesce((select pg_snapshot_xmin(snapshot) from raw.last_good_build), '0'::xid8)
        and pg_visible_in_snapshot(xid, (select snapshot from raw.last_good_build)) is not true
"""
