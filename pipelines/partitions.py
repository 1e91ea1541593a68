"""Partitions: the pipelines are cut by the day on which data arrived, never by the day they tell of.

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
