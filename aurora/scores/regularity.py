"""How alike two nights in a row lie on the clock: the input of sleep regularity, in both readings.

The Sleep Regularity Index is the chance of being in the same state, asleep or awake, at two instants 24 hours
apart. Here it is exact, from the beginning and the end of the night rather than from epochs: two nights differ
by what one has and the other has not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

_DAY_MINUTES: Final = 1440


@dataclass(frozen=True)
class Night:
    """When a night lay by the person's wall clock, and the local day on which it ended."""

    local_date: date
    local_started_at: datetime
    local_ended_at: datetime

    def minutes(self) -> tuple[float, float]:
        """Its beginning and end in minutes from the noon before the day on which it ended."""
        noon = datetime.combine(self.local_date - timedelta(days=1), time(12))
        minute = timedelta(minutes=1)
        return (self.local_started_at - noon) / minute, (self.local_ended_at - noon) / minute


def same_state_percent(night: Night, before: Night) -> float:
    """Per cent of the 24 hours in which the person was asleep in both nights or in neither."""
    (started, ended), (started_before, ended_before) = night.minutes(), before.minutes()
    both = max(0.0, min(ended, ended_before) - max(started, started_before))
    either_alone = (ended - started) + (ended_before - started_before) - 2 * both
    return 100 * (1 - min(either_alone, _DAY_MINUTES) / _DAY_MINUTES)


def same_state_percent_sql(night: str, before: str) -> str:
    """The same over two rows with `local_date`, `local_started_at` and `local_ended_at`."""
    (started, ended), (started_before, ended_before) = _minutes_sql(night), _minutes_sql(before)
    both = f"greatest(0, least({ended}, {ended_before}) - greatest({started}, {started_before}))"
    either_alone = f"({ended} - {started}) + ({ended_before} - {started_before}) - 2 * {both}"
    # least() passes over nulls: without the case a night without times would differ by a whole day.
    return (
        f"case when num_nulls({started}, {ended}, {started_before}, {ended_before}) = 0"
        f" then 100 * (1 - least({either_alone}, {_DAY_MINUTES}) / {_DAY_MINUTES}::float8) end"
    )


def _minutes_sql(night: str) -> tuple[str, str]:
    # A date less a day, plus 12 hours: a timestamp without a zone, the noon before.
    noon = f"({night}.local_date::timestamp - interval '12 hours')"
    started, ended = (
        f"(extract(epoch from {night}.local_{at} - {noon}) / 60)::float8" for at in ("started_at", "ended_at")
    )
    return started, ended
