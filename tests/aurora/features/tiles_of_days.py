"""Random tiles as days of scaled integers make them, for both readings of a window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from aurora.features.tiles import Tile

AS_OF = datetime(2026, 3, 30, 12, 0, 0, 123456, tzinfo=UTC)


@dataclass(frozen=True)
class Day:
    """One local day of one measure: its values in the order of time."""

    days_ago: int
    values: tuple[int, ...]
    seconds_before: int
    """How long before the end of that day (or `AS_OF`) the last value was."""

    @property
    def tile(self) -> Tile:
        return Tile(
            n=len(self.values),
            sum=sum(self.values),
            sum_squares=sum(value * value for value in self.values),
            min=min(self.values),
            max=max(self.values),
            last=self.values[-1],
            last_at=AS_OF - timedelta(days=self.days_ago, seconds=self.seconds_before),
        )


scaled = st.integers(-2_000_000, 2_000_000) | st.integers(-3, 3)

days = st.dictionaries(
    st.integers(0, 40),
    st.tuples(st.lists(scaled, min_size=1, max_size=5), st.integers(0, 43_000)),
    max_size=28,
).map(lambda found: [Day(ago, tuple(values), before) for ago, (values, before) in found.items()])
