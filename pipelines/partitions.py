"""Partitions: the pipelines are cut by the day on which data arrived, not by the day they tell of.

A file that lands today may tell of last year. What it changes is found by the days it touched.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import dagster as dg

FIRST_ARRIVAL_DAY: Final = date(2026, 1, 1)
"""Nothing arrived before AURORA existed."""

# end_offset: today is a partition from its first minute, not from tomorrow on.
arrival_day = dg.DailyPartitionsDefinition(
    start_date=FIRST_ARRIVAL_DAY.isoformat(), timezone="UTC", end_offset=1
)

told_week = dg.WeeklyPartitionsDefinition(
    # The one thing that is cut by the days it tells of: what was found in the days up to a Sunday. By its Monday.
    start_date="2026-01-05",
    day_offset=1,
    timezone="UTC",
)
