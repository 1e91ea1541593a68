"""What a person rated on a waking day: the night that ends on a day is over before any rating that counts for it.

A local day begins at midnight, and so does the rating of somebody who is still up. What they say then comes
before the night that this day's sleep is made of, and would be told as following it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from aurora.events.catalogue import MEASURES
from aurora.events.measures import scale_value
from aurora.patterns.series import DayValue


class Rating(NamedTuple):
    """One rating as it counts; `at` in UTC, None where the source knows only the date."""

    local_date: date
    measure: str
    value: float
    at: datetime | None
    form_id: str | None


class Night(NamedTuple):
    """One part of the night that ended on this local day, as it counts; `at` is its end in UTC, if known."""

    local_date: date
    at: datetime | None
    form_id: str | None


@dataclass(frozen=True)
class WakingDays:
    """The ratings of one person, day by day."""

    values: tuple[DayValue, ...]
    """The mean of what was rated after waking, in the unit of the catalogue. A day without any is not there."""
    in_one_form: dict[str, frozenset[date]]
    """Rated measure → the days on which one form told of the night and of a rating that counts."""


def waking_days(ratings: Iterable[Rating], nights: Iterable[Night]) -> WakingDays:
    """Sum up the ratings of each day from waking on; all of them where nobody knows when that was.

    A rating with a date only is of the waking day as a whole, and counts.
    """
    woken_at: dict[date, datetime] = {}
    forms: dict[date, set[str]] = defaultdict(set)
    for night in nights:
        if night.at is not None:
            woken_at[night.local_date] = max(night.at, woken_at.get(night.local_date, night.at))
        if night.form_id is not None:
            forms[night.local_date].add(night.form_id)
    counted: dict[tuple[date, str], list[int]] = defaultdict(list)
    in_one_form: dict[str, set[date]] = defaultdict(set)
    for day, measure, value, at, form_id in ratings:
        if at is not None and day in woken_at and at < woken_at[day]:
            continue
        # Integers, as everywhere: their sum does not depend on their order, and equal days remain equal.
        counted[day, measure].append(scale_value(value, MEASURES[measure].scale))
        if form_id in forms.get(day, ()):
            in_one_form[measure].add(day)
    return WakingDays(
        tuple(
            DayValue(day, measure, sum(values) / len(values) / MEASURES[measure].scale)
            for (day, measure), values in counted.items()
        ),
        {measure: frozenset(days) for measure, days in in_one_form.items()},
    )
