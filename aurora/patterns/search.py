"""The search for patterns in one person's days: all three kinds, best first."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np

from aurora.patterns.correlations import find_correlations
from aurora.patterns.findings import Found, Search
from aurora.patterns.levels import find_change_points, find_weekday_effects
from aurora.patterns.series import PersonDays
from aurora.patterns.specification import WINDOW_DAYS, Kind


def week_ended_by(instant: datetime) -> date:
    """The newest Sunday that had ended everywhere on Earth by this UTC instant (UTC−12 is the last zone)."""
    day = (instant - timedelta(hours=12)).date()
    return day - timedelta(days=day.weekday() + 1)


def window_of(week_ended_date: date) -> tuple[date, date]:
    """The first and the last local day that a week's search reads."""
    return week_ended_date - timedelta(days=WINDOW_DAYS - 1), week_ended_date


def search(days: PersonDays) -> Search:
    """What can be said of these days. Each kind is a family of its own, in each of which at most one pattern
    of ten is expected to be false.
    """
    found: dict[Kind, Found] = {
        "lagged_correlation": find_correlations(days),
        "weekday_effect": find_weekday_effects(days),
        "change_point": find_change_points(days),
    }
    patterns = [pattern for one in found.values() for pattern in one.patterns]
    return Search(
        first_date=days.first,
        last_date=days.day(days.days - 1),
        told_days=int((~np.isnan(days.values)).any(axis=0).sum()),
        patterns=tuple(
            sorted(patterns, key=lambda pattern: (-pattern.stars, pattern.q_value, pattern.p_value))
        ),
        tested={kind: one.tested for kind, one in found.items()},
        omitted=tuple(omission for one in found.values() for omission in one.omitted),
    )
