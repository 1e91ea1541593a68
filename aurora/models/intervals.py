"""Intervals: how far off the answers of held-out days were, applied to the answers of tomorrow.

Split conformal on signed residuals: no assumption about their shape, finite-sample corrected. People who
vary little and people who vary a lot are calibrated apart, by a feature that says how much the person
varied lately.

Residuals of last month cover those of next month only while nothing changes. So each group's level adapts
(Gibbs & Candès, Adaptive Conformal Inference Under Distribution Shift, 2021): where the intervals of one period
held fewer ratings of the next than promised, those after it are taken wider, and narrower where they held more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from aurora.models.metrics import Floats, Ints

COVERAGE = 0.9
LEAST_GROUP = 200
"""A group with fewer residuals takes the quantiles of everybody: an extreme quantile needs rows."""

STEP = 0.5
"""How much of a period's miss the next level makes up for. A period is as many updates at once as it has ratings: for a
hundred, what the authors' 0.005 a rating comes to.
"""
LEVELS = (0.05, 0.995)
"""Between which a level stays: a quantile beyond the last residual is not known, and an interval of nothing is none."""

Levels = Mapping[tuple[int, int], float]
"""(How many edges, group) → the share of residuals to cover there so that the promised share of new ones is covered.

With more people there are more groups, and what was learned of fewer says nothing of them.
"""


@dataclass(frozen=True)
class IntervalTable:
    """What to add to an answer, by group of spread. The last entry is for an unknown spread."""

    edges: tuple[float, ...]
    below: tuple[float, ...]
    above: tuple[float, ...]

    def groups(self, spread: Floats) -> Ints:
        """The number of the group of each row."""
        return _groups(spread, self._arrays[0])

    def around(self, answers: Floats, spread: Floats, scale: tuple[float, float]) -> tuple[Floats, Floats]:
        """The lower and upper bound of each answer, inside the scale."""
        _, added = self._arrays
        lower, upper = within(answers + added.take(self.groups(spread), axis=1), scale)
        return lower, upper

    @cached_property
    def _arrays(self) -> tuple[Floats, Floats]:
        return _borders(self.edges), np.array([self.below, self.above], dtype=np.float64)


def within(values: Floats, scale: tuple[float, float]) -> Floats:
    """The values, those outside the scale at its end. As np.clip, which for one value takes much longer."""
    low, high = scale
    return np.minimum(np.maximum(values, low), high)


def calibrate(
    residuals: Floats,
    spread: Floats,
    *,
    groups: int = 3,
    coverage: float = COVERAGE,
    levels: Levels | None = None,
) -> IntervalTable:
    """The table that covers `coverage` of residuals (observed less predicted) like these, or of a group its level."""
    known = spread[~np.isnan(spread)]
    parts = min(groups, len(known) // LEAST_GROUP)
    cuts = np.quantile(known, np.arange(1, parts) / parts) if parts > 1 else np.array([])
    edges = tuple(float(cut) for cut in np.unique(cuts))
    place = _groups(spread, _borders(edges))
    bounds: list[tuple[float, float]] = []
    for group in range(len(edges) + 2):
        members = residuals[place == group]
        of_group = members if len(members) >= LEAST_GROUP else residuals
        bounds.append(_signed_quantiles(of_group, (levels or {}).get((len(edges), group), coverage)))
    return IntervalTable(edges, tuple(low for low, _ in bounds), tuple(high for _, high in bounds))


@dataclass(frozen=True)
class Period:
    """The rows of one period, by number, and the table that was known before it."""

    number: Ints
    table: IntervalTable
    levels: Levels
    """Those to go on with after it."""


def adapt(residuals: Floats, spread: Floats, period: Ints, *, coverage: float = COVERAGE) -> Iterator[Period]:
    """Every period but the first, with the table calibrated on all before it at the levels adapted until then."""
    levels: dict[tuple[int, int], float] = {}
    for each in np.unique(period)[1:]:
        before, now = period < each, np.flatnonzero(period == each)
        table = calibrate(residuals[before], spread[before], coverage=coverage, levels=levels)
        group = table.groups(spread[now])
        off = residuals[now]
        inside = (off >= np.array(table.below)[group]) & (off <= np.array(table.above)[group])
        for number in np.unique(group):
            members = inside[group == number]
            # A handful of ratings says little: its weight is what it would have in a period of a hundred.
            step = STEP * min(len(members) / 100, 1.0)
            key = (len(table.edges), int(number))
            level = levels.get(key, coverage) + step * (coverage - float(members.mean()))
            levels[key] = float(np.clip(level, *LEVELS))
        yield Period(now, table, dict(levels))


def _borders(edges: Sequence[float]) -> Floats:
    """Where the groups begin, that of an unknown spread the last: what is no number is sorted behind infinity."""
    return np.array([*edges, np.inf], dtype=np.float64)


def _groups(spread: Floats, borders: Floats) -> Ints:
    """The number of the group of each row."""
    return borders.searchsorted(spread, side="right")


def _signed_quantiles(residuals: Floats, coverage: float) -> tuple[float, float]:
    """The two residuals between which a new one falls with at least the coverage, half of the rest on each
    side.
    """
    ordered = np.sort(residuals)
    count = len(ordered)
    tail = (1 - coverage) / 2
    low = int(np.floor((count + 1) * tail)) - 1
    high = int(np.ceil((count + 1) * (1 - tail))) - 1
    # An answer lies inside its own interval, even where the held-out answers leaned to one side.
    return min(float(ordered[max(low, 0)]), 0.0), max(float(ordered[min(high, count - 1)]), 0.0)
