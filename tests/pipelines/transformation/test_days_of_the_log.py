"""Of the log, a build looks a day up in the months in which its events can have begun, and in no earlier one."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

import pytest

from aurora.events.acceptance import MAX_DURATION
from pipelines.transformation.dbt_runs import DBT_DIR
from tests.aurora.events.received import a_received_night, accepted

WOKEN = datetime(2026, 3, 30, 10, tzinfo=UTC)
FARTHEST_SESSION = timedelta(hours=14)
"""In whatever zone Postgres takes a day for an instant."""


def days_before() -> int:
    """How many days before its day an event of the log is looked for."""
    macro = (DBT_DIR / "macros" / "rows_looked_up.sql").read_text(encoding="utf-8")
    [days] = re.findall(r"told\.started_at >= days\.local_date - (\d+)", macro)
    return int(days)


@pytest.mark.parametrize("tz", ["Pacific/Kiritimati", "UTC", "Etc/GMT+12"])
def test_the_longest_event_is_found_by_the_day_that_it_ends_on(tz: str) -> None:
    night = accepted(
        a_received_night(started_at=(WOKEN - MAX_DURATION).isoformat(), ended_at=WOKEN.isoformat(), tz=tz)
    )
    asked_from = datetime.combine(night.local_date - timedelta(days=days_before()), time(), UTC)

    assert asked_from + FARTHEST_SESSION <= night.started_at
