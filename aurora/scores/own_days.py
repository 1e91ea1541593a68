"""What a relative score reads: a day's total of a measure, and where it stands among the person's own days before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aurora.features.expressions import Column
from aurora.features.windows import Window
from aurora.scores.specification import Calibration, DayRank, Input

EARLIER_DAYS: Final = 27
"""With today they are the 28 that tiles of features reach."""

MIN_EARLIER_DAYS: Final = 10
"""Two working weeks; a share of fewer days says little."""


@dataclass(frozen=True)
class OwnDays:
    """A measure of which a day without any is unknown, not zero."""

    measure: str
    done: str
    """What was done on the day, as in "Worked on this local day"."""
    days: str
    """What the days that count are called."""

    @property
    def total(self) -> Input:
        window = Window(self.measure, "sum", 1)
        return Input.of_window(window, window.unit, f"{self.done} on this local day")

    @property
    def rank(self) -> Input:
        return Input(
            f"{self.measure}_rank_{EARLIER_DAYS}d",
            "%",
            f"{self.days} of the {EARLIER_DAYS} local days before on which it was less, in per cent; equal ones half",
            DayRank(self.measure, EARLIER_DAYS),
        )

    @property
    def known(self) -> Input:
        window = Window(self.measure, "days", EARLIER_DAYS, lag=1)
        return Input.of_window(window, window.unit, f"{self.days} among the {EARLIER_DAYS} local days before")

    @property
    def inputs(self) -> tuple[Input, ...]:
        return self.total, self.rank, self.known

    @property
    def total_column(self) -> Column:
        return Column(self.total.name)

    @property
    def rank_column(self) -> Column:
        return Column(self.rank.name)

    @property
    def calibration(self) -> Calibration:
        return Calibration((self.known.name,), MIN_EARLIER_DAYS)
