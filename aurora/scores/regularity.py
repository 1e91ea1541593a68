"""How alike two nights in a row lie on the clock: the input of sleep regularity, in both readings.

The Sleep Regularity Index is the chance of being in the same state, asleep or awake, at two instants 24 hours
apart. Here it is exact, from the beginning and the end of each sleep rather than from epochs: two nights differ
by what one has and the other has not. The time between two parts of a night is time awake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Final

_DAY_MINUTES: Final = 1440


@dataclass(frozen=True)
class Night:
    """When the parts of a night lay by the person's wall clock, and the local day on which it ended."""

    local_date: date
    parts: Sequence[tuple[datetime, datetime]]
    """Beginning and end of each."""

    def minutes(self) -> list[tuple[float, float]]:
        """The same in minutes from the noon before the day on which it ended."""
        noon = datetime.combine(self.local_date - timedelta(days=1), time(12))
        minute = timedelta(minutes=1)
        return [((started - noon) / minute, (ended - noon) / minute) for started, ended in self.parts]


def same_state_percent(night: Night, before: Night) -> float:
    """Per cent of the 24 hours in which the person was asleep in both nights or in neither."""
    tonight, last_night = night.minutes(), before.minutes()
    bounds = sorted({bound for part in (*tonight, *last_night) for bound in part})
    differing = sum(
        until - since
        for since, until in pairwise(bounds)
        if _is_asleep(tonight, since) != _is_asleep(last_night, since)
    )
    return 100 * (1 - min(differing, _DAY_MINUTES) / _DAY_MINUTES)


def _is_asleep(parts: Sequence[tuple[float, float]], minute: float) -> bool:
    return any(started <= minute < ended for started, ended in parts)


def same_state_percent_sql(night: str, before: str) -> str:
    """The same over two rows with `asleep_spans`: multiranges of minutes from the noon before each night's day."""
    tonight, last_night = f"{night}.asleep_spans", f"{before}.asleep_spans"
    differing = f"unnest(({tonight} + {last_night}) - ({tonight} * {last_night})) as differing (span)"
    minutes = f"(select coalesce(sum(upper(span) - lower(span)), 0) from {differing})"  # noqa: S608  # names of rows
    # Without the case a night without times would be like any other: of nothing, nothing differs.
    return (
        f"case when num_nulls({tonight}, {last_night}) = 0"
        f" then 100 * (1 - least({minutes}, {_DAY_MINUTES})::float8 / {_DAY_MINUTES}::float8) end"
    )
