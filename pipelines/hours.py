"""The hours of the day at which things run, and by when they are expected to have run. All in UTC."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import dagster as dg

ZONE: Final = "UTC"
NEW_ZONE_DATA: Final = "15 1 * * *"
HOUSEKEEPING: Final = "30 1 * * *"
DAILY: Final = "0 2 * * *"
ARCHIVE: Final = "0 5 * * *"
WEEKLY: Final = "0 4 * * 2"
"""Sunday is over everywhere by Monday 12:00 UTC, and the build of Tuesday 02:00 UTC has seen all of it."""

# A run may take two hours (`dagster/max_runtime`): then what it makes is late, and Dagster shows it.
FRESH_DAILY: Final = dg.FreshnessPolicy.cron("0 4 * * *", lower_bound_delta=timedelta(hours=2), timezone=ZONE)
FRESH_ARCHIVE: Final = dg.FreshnessPolicy.cron(
    "0 7 * * *", lower_bound_delta=timedelta(hours=2), timezone=ZONE
)
FRESH_WEEKLY: Final = dg.FreshnessPolicy.cron(
    "0 6 * * 2", lower_bound_delta=timedelta(hours=2), timezone=ZONE
)
