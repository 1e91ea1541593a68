"""Intervals: how far off the answers of held-out days were, applied to the answers of tomorrow.

Split conformal on signed residuals: no assumption about their shape, finite-sample corrected. People who
vary little and people who vary a lot are calibrated apart, by a feature that says how much the person
varied lately.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aurora.models.metrics import Floats, Ints

COVERAGE = 0.9
LEAST_GROUP = 200
"""A group with fewer residuals takes the quantiles of everybody: an extreme quantile needs rows."""


@dataclass(frozen=True)
class IntervalTable:
    """What to add to an answer, by group of spread. The last entry is for an unknown spread."""

    edges: tuple[float, ...]
    below: tuple[float, ...]
    above: tuple[float, ...]

    def around(self, answers: Floats, spread: Floats, scale: tuple[float, float]) -> tuple[Floats, Floats]:
        """The lower and upper bound of each answer, inside the scale."""
        group = _groups(spread, self.edges)
        below, above = np.array(self.below)[group], np.array(self.above)[group]
        return np.clip(answers + below, *scale), np.clip(answers + above, *scale)


def calibrate(
    residuals: Floats, spread: Floats, *, groups: int = 3, coverage: float = COVERAGE
) -> IntervalTable:
    """The table that covers `coverage` of residuals (observed less predicted) like these."""
    known = spread[~np.isnan(spread)]
    parts = min(groups, len(known) // LEAST_GROUP)
    cuts = np.quantile(known, np.arange(1, parts) / parts) if parts > 1 else np.array([])
    edges = tuple(float(cut) for cut in np.unique(cuts))
    place = _groups(spread, edges)
    everybody = _signed_quantiles(residuals, coverage)
    bounds = [
        _signed_quantiles(residuals[place == group], coverage)
        if (place == group).sum() >= LEAST_GROUP
        else everybody
        for group in range(len(edges) + 2)
    ]
    return IntervalTable(edges, tuple(low for low, _ in bounds), tuple(high for _, high in bounds))


def _groups(spread: Floats, edges: tuple[float, ...]) -> Ints:
    """The number of the group of each row; an unknown spread is the last group."""
    place = (
        np.searchsorted(np.array(edges), spread, side="right") if edges else np.zeros(len(spread), dtype=int)
    )
    return np.where(np.isnan(spread), len(edges) + 1, place).astype(np.int64)


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
