"""Archived months that a build needs: it reads a day from the log, and the log may not have the day any more.

What is touched names the days: their months come back before dbt begins, and go again with the next run of the
archive. A full build needs all of them. See docs/decisions/0008.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Final

import psycopg

from aurora.features.live import FURTHEST_FROM_DAY
from pipelines.ingestion.archive import restore_month

_ARCHIVED: Final = "select month from raw.event_archives where state = 'archived' order by month"

_TOUCHED: Final = """touched as (

    select distinct user_id, local_date from raw.unbuilt_days

)"""

# An event begins so many days before or after its local day at most.
_MONTHS_OF_TOUCHED_DAYS: Final = f"""
with

{_TOUCHED},

forms as (

    select user_id, form_id
    from raw.events
    inner join touched using (user_id, local_date)
    where form_id is not null
    union
    select user_id, form_id
    from intermediate.int_form_days
    inner join touched using (user_id, local_date)

),

-- A label's moment follows from all answers of its form, on whatever day they lie.
days as (

    select local_date from touched
    union
    select form_days.local_date
    from intermediate.int_form_days as form_days
    inner join forms using (user_id, form_id)

)

select distinct archives.month
from raw.event_archives as archives
inner join days
    on
        archives.month <= days.local_date + %(after)s
        and archives.month + interval '1 month' > days.local_date - %(before)s
where archives.state = 'archived'
order by archives.month
"""  # noqa: S608  # put together of constants of this module

# An event that was corrected is judged by all of its versions.
_MONTHS_OF_VERSIONS: Final = f"""
with

{_TOUCHED},

corrected as (

    select distinct user_id, event_id
    from raw.events
    inner join touched using (user_id, local_date)
    where version > 1

)

select distinct archives.month
from corrected
inner join raw.event_keys as event_keys using (user_id, event_id)
inner join raw.event_archives as archives
    on
        event_keys.started_at >= archives.month::timestamp at time zone 'UTC'
        and event_keys.started_at < (archives.month + interval '1 month')::timestamp at time zone 'UTC'
where archives.state = 'archived'
order by archives.month
"""  # noqa: S608  # put together of constants of this module


def restore_months_for_build(connection: psycopg.Connection[Any], folder: Path, *, full: bool) -> list[date]:
    """Put back what this build will read, on an autocommit connection; the months that came back."""
    archived = _months(connection, _ARCHIVED)
    if not archived:
        return []
    if full or not _is_built(connection):
        return _restore(connection, folder, archived)
    before, after = FURTHEST_FROM_DAY
    values = {"before": before.days, "after": after.days}
    restored = _restore(connection, folder, _months(connection, _MONTHS_OF_TOUCHED_DAYS, values))
    return restored + _restore(connection, folder, _months(connection, _MONTHS_OF_VERSIONS))


def _is_built(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute("select to_regclass('intermediate.int_form_days') is not null").fetchone()
    return bool(row and row[0])


def _months(
    connection: psycopg.Connection[Any], query: Any, values: dict[str, int] | None = None
) -> list[date]:
    return [month for (month,) in connection.execute(query, values).fetchall()]


def _restore(connection: psycopg.Connection[Any], folder: Path, months: list[date]) -> list[date]:
    for month in months:
        restore_month(connection, folder, month)
    return months
