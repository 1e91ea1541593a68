"""How far a night's bedtime lies from the person's usual one: the input of consistency, in both readings.

Bedtimes are wall-clock times of the person, so neither a DST change nor a journey counts as irregular. They
are counted from local noon: half past eleven and half past midnight are an hour apart, not twenty-three.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import datetime
from typing import Final

USUAL_BEDTIME_DAYS: Final = 14
"""The usual bedtime is the median over the nights that ended on the 14 local days before this one."""

MIN_USUAL_NIGHTS: Final = 5
"""With fewer nights there is no usual bedtime yet, and consistency is missing."""

_DAY: Final = 1440


def minutes_after_noon(bedtime: datetime) -> float:
    """Minutes 0 ≤ m < 1440 from local noon to a local wall-clock time."""
    minutes = bedtime.hour * 60 + bedtime.minute + (bedtime.second + bedtime.microsecond / 1e6) / 60
    return (minutes + 720) % _DAY


def minutes_after_noon_sql(local_started_at: str) -> str:
    """The same over a SQL timestamp without time zone."""
    return f"mod(extract(epoch from {local_started_at}::time) / 60 + 720, {_DAY})::float8"


def deviation_minutes(bedtime: float, earlier: Sequence[float]) -> float | None:
    """Minutes between this bedtime and the median of the earlier ones, all in minutes after noon."""
    if len(earlier) < MIN_USUAL_NIGHTS:
        return None
    # The shorter way round the clock: 11:50 and 12:10 are 20 minutes apart for a night worker too.
    apart = abs(bedtime - statistics.median(earlier))
    return min(apart, _DAY - apart)


def deviation_minutes_sql(bedtime: str, usual: str, nights: str) -> str:
    """The same over columns: this bedtime, `percentile_cont(0.5)` of the earlier ones, and their count."""
    apart = f"abs({bedtime} - {usual})"
    return f"case when {nights} >= {MIN_USUAL_NIGHTS} then least({apart}, {_DAY} - {apart}) end"
