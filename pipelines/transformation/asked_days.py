"""Days that are asked for: today, of everybody who is active, whether or not today has told anything yet.

A prediction for today is made from the row of features at today's midnight, and a build makes rows for the days
that the log knows.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import psycopg

from aurora import clock

ACTIVE_DAYS: Final = 28
"""Whoever has told nothing for longer has no window left to predict from."""

_ACTIVE: Final = """
    select users.user_id, users.tz
    from app.users as users
    where
        users.deleted_at is null
        and (%(cohort)s::text is null or users.cohort = %(cohort)s)
        and exists (
            select from raw.events as events
            where
                events.user_id = users.user_id
                and events.started_at >= %(since)s
                and events.started_at < %(now)s
        )
"""

# A day that becomes known is a day that changed: without this no build would make its rows.
_ASK: Final = """
    with asked as (
        insert into raw.user_days (user_id, local_date, day_started_at, day_ended_at, tz)
        values (%s, %s, %s, %s, %s)
        on conflict do nothing
        returning user_id, local_date
    )
    insert into raw.touched_days (user_id, local_date) select user_id, local_date from asked
"""


def ask_for_today(connection: psycopg.Connection[Any], now: datetime, *, cohort: str | None = None) -> int:
    """Let the log know every active person's local day of `now`; how many people that are.

    With a cohort only its people are asked for: another's own now may lie years away.
    """
    with connection.transaction():
        active = connection.execute(
            _ACTIVE, {"since": now - timedelta(days=ACTIVE_DAYS), "now": now, "cohort": cohort}
        ).fetchall()
        days = [(user_id, tz, clock.local_date(now, tz)) for user_id, tz in active]
        with connection.cursor() as cursor:
            cursor.executemany(
                _ASK,
                [
                    (user_id, day, clock.day_start(day, tz), clock.day_end(day, tz), tz)
                    for user_id, tz, day in days
                ],
            )
    return len(days)
