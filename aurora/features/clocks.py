"""Clock inputs of a row: what the wall clock of the person says at `as_of`.

A row whose event has only a date has no hour: nothing invents a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from aurora.features.expressions import Leaf, Number

_READINGS: Final[dict[str, tuple[str, Callable[[date, int | None], Number]]]] = {
    "hour_of_day": (
        "(moments.local_seconds / 3600::float8)",
        lambda _day, seconds: None if seconds is None else seconds / 3600,
    ),
    "day_of_week": (
        "extract(isodow from moments.local_date)::float8",
        lambda day, _seconds: float(day.isoweekday()),
    ),
    "is_weekend": (
        "(extract(isodow from moments.local_date) >= 6)::integer::float8",
        lambda day, _seconds: float(day.isoweekday() >= 6),
    ),
}


@dataclass(frozen=True)
class Clock(Leaf):
    """One of hour_of_day (0 ≤ h < 24), day_of_week (Monday 1 … Sunday 7), is_weekend (0 or 1)."""

    name: str

    def column(self) -> str:
        return _READINGS[self.name][0]

    def value_of(self, local_date: date, local_seconds: int | None) -> Number:
        return _READINGS[self.name][1](local_date, local_seconds)


HOUR_OF_DAY: Final = Clock("hour_of_day")
DAY_OF_WEEK: Final = Clock("day_of_week")
IS_WEEKEND: Final = Clock("is_weekend")
