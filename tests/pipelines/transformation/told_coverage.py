"""Which days a source told of, and which not, worked out from the days themselves: what `marts.coverage` has to say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Coverage:
    """Of one person and kind of event; of the days between the first and the last, the longest run without."""

    state: str
    days: int
    first_date: date | None
    last_date: date | None
    missing_days: int
    longest_gap_days: int
    longest_gap_first_date: date | None


def coverage_of_all(
    people: Mapping[str, Mapping[date, Mapping[str, Any]]], kinds: Iterable[str]
) -> dict[tuple[str, str], Coverage]:
    """Person and kind of event → coverage, of a cohort that one source tells of: who has which kinds on which days."""
    ends = max(day for days in people.values() for day in days)
    return {
        (person, kind): coverage_of([day for day, said in days.items() if said[kind]], days, ends)
        for person, days in people.items()
        for kind in kinds
    }


def coverage_of(told: Iterable[date], told_at_all: Iterable[date], cohort_last_date: date) -> Coverage:
    """`told` are the days with the kind, `told_at_all` those with anything of the person from the same source."""
    days, source = sorted(told), sorted(told_at_all)
    if not days:
        return Coverage("never", 0, None, None, 0, 0, None)
    gaps = _runs(_between(days[0], days[-1]) - set(days))
    # Of gaps of one length the newest.
    longest = max(gaps, key=lambda gap: (len(gap), gap[0]), default=[])
    recent = _between(max(source[0], cohort_last_date - 27 * _DAY), cohort_last_date)
    silent = (cohort_last_date - days[-1]).days > 7
    if silent and (cohort_last_date - source[-1]).days > 7:
        state = "left"
    elif silent:
        state = "stopped"
    elif len(longest) > 7 or len(recent & set(days)) < 0.9 * len(recent):
        state = "gaps"
    else:
        state = "complete"
    return Coverage(
        state=state,
        days=len(days),
        first_date=days[0],
        last_date=days[-1],
        missing_days=sum(map(len, gaps)),
        longest_gap_days=len(longest),
        longest_gap_first_date=longest[0] if longest else None,
    )


def _between(first: date, last: date) -> set[date]:
    return {first + _DAY * number for number in range((last - first).days + 1)}


def _runs(days: set[date]) -> list[list[date]]:
    """Days in a row, run by run."""
    in_order = enumerate(sorted(days))
    return [
        [day for _, day in run] for _, run in groupby(in_order, key=lambda item: item[1] - _DAY * item[0])
    ]
