"""One person's days as rows of numbers: a measure a row, a local day a column, NaN where nobody told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aurora.patterns.specification import FACTORS, ZERO_WHEN_SILENT

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class DayValue(NamedTuple):
    """The value of one measure on one local day, in the unit of the catalogue."""

    local_date: date
    measure: str
    value: float


@dataclass(frozen=True)
class PersonDays:
    """The days from `first` on, without a gap. `values[i, j]` is `measures[i]` on day j."""

    first: date
    measures: tuple[str, ...]
    values: Array
    in_one_form: Mapping[str, Mask] = field(default_factory=dict[str, Mask])
    """Rated measure → whether the form that tells of it tells of the day's night as well. None where it is not here."""

    @property
    def days(self) -> int:
        return self.values.shape[1]

    @property
    def weekdays(self) -> NDArray[np.int64]:
        """Monday is 0."""
        return (np.arange(self.days) + self.first.weekday()) % 7

    def of(self, measure: str) -> Array:
        return self.values[self.measures.index(measure)]

    def day(self, index: int) -> date:
        return self.first + timedelta(days=index)


def person_days(
    first: date,
    last: date,
    values: Iterable[DayValue],
    told: Collection[date],
    measures: tuple[str, ...] = FACTORS,
    *,
    in_one_form: Mapping[str, Collection[date]] | None = None,
) -> PersonDays:
    """Lay out what is known of a person; `told` are the local days of which anything was measured, `in_one_form`
    those on which one form told of a rating and of the night.

    A day without an event of a counted kind is zero if the person told of that day, and had begun and not
    ended to record this kind: before the first and after the last one nobody knows.
    """
    days = (last - first).days + 1
    place = {measure: row for row, measure in enumerate(measures)}
    table = np.full((len(measures), days), np.nan)
    for local_date, measure, value in values:
        if measure in place and first <= local_date <= last:
            table[place[measure], (local_date - first).days] = value

    def among(some: Collection[date]) -> Mask:
        mask = np.zeros(days, dtype=bool)
        mask[[(day - first).days for day in some if first <= day <= last]] = True
        return mask

    is_told = among(told)
    for measure in ZERO_WHEN_SILENT & set(measures):
        row = table[place[measure]]
        known = np.flatnonzero(~np.isnan(row))
        if len(known):
            inside = slice(known[0], known[-1] + 1)
            row[inside] = np.where(np.isnan(row[inside]) & is_told[inside], 0.0, row[inside])
    shared = {measure: among(some) for measure, some in (in_one_form or {}).items()}
    return PersonDays(first, measures, table, shared)
