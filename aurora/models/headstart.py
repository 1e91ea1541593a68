"""What is learned before the trees, and after: straight lines in the columns, and what remains of a person.

Much of what moves people adds up. Trees need thousands of rows to draw a straight line in steps; a ridge
regression draws it from few, and the trees then learn what bends. What neither explains and stays the same
for a person is a random intercept (Laird & Ware, Biometrics 38(4), 1982): the mean of what was left over,
drawn towards zero the more the less there is of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from aurora.models.metrics import Floats, Ints
from aurora.models.ordinal import leaned, left_over

PENALTY = 10.0
"""On the square of a weight per standard deviation, in rows: next to nothing beside thousands of rows."""

FARTHEST = 4.0
"""Values more standard deviations out count as so many: a line must not run away."""

MOST_STEPS = 25
CONVERGED = 1e-8


@dataclass(frozen=True)
class Lines:
    """A linear model of the columns of a design. What is missing counts as the mean of the training rows."""

    means: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    """For each column, per standard deviation, in the unit of the raw answer."""
    intercept: float

    def shares(self, design: Floats) -> Floats:
        """What each column adds: rows × columns, in the unit of the raw answer."""
        means, scales, weights = self._arrays
        return _standardised(design, means, scales) * weights

    def answer(self, design: Floats) -> Floats:
        """One value per row: the intercept and all shares."""
        means, scales, weights = self._arrays
        return self.intercept + _standardised(design, means, scales) @ weights

    @cached_property
    def _arrays(self) -> tuple[Floats, Floats, Floats]:
        return np.array(self.means), np.array(self.scales), np.array(self.weights)


def lines_through(design: Floats, residual: Floats) -> Lines:
    """Ridge regression of what a baseline leaves over, one value per row."""
    means, scales = _moments(design)
    intercept = float(residual.mean())
    squares, slope = PENALTY * np.eye(design.shape[1]), np.zeros(design.shape[1])
    for part in _blocks(len(design)):
        table = _standardised(design[part], means, scales)
        squares += table.T @ table
        slope += table.T @ (residual[part] - intercept)
    weights = np.linalg.solve(squares, slope)
    return _lines(means, scales, weights.astype(np.float64), intercept)


def lines_that_lean(design: Floats, start: Floats, target: Ints, *, enough: int = 20_000) -> Lines:
    """Ridge regression in the ordinal model: by how much the columns lean the class probabilities `start`.

    Newton's method on the penalised log loss, which is convex. Of many rows `enough` lead to where one or two steps
    with all of them are left.
    """
    means, scales = _moments(design)
    weights = np.zeros(design.shape[1] + 1)
    if len(design) >= 2 * enough:
        some = slice(None, None, len(design) // enough)
        weights = _leaning(design[some], start[some], target[some], means, scales, weights)
    weights = _leaning(design, start, target, means, scales, weights)
    return _lines(means, scales, weights[1:], float(weights[0]))


def _leaning(
    design: Floats, start: Floats, target: Ints, means: Floats, scales: Floats, weights: Floats
) -> Floats:
    """The intercept and the weights by Newton's method, from `weights` on."""
    penalty = np.diag([0.0, *[PENALTY] * design.shape[1]])
    for _ in range(MOST_STEPS):
        curved, slope = penalty.copy(), -penalty @ weights
        for part in _blocks(len(design)):
            table = np.column_stack([np.ones(len(start[part])), _standardised(design[part], means, scales)])
            pull, curvature = left_over(leaned(start[part], table @ weights), target[part])
            slope += table.T @ pull
            curved += (table * curvature[:, None]).T @ table
        step = np.linalg.solve(curved, slope)
        weights = weights + step
        if np.abs(step).max() < CONVERGED:
            break
    return weights


def personal_offsets(
    left_over: Floats, curvature: Floats, users: Ints, people: int, penalty: float
) -> Floats:
    """What is left over for each of `people` persons, drawn towards zero by `penalty` imagined rows of nothing.

    The rows have one value each; `users` numbers the person of each. A person without a row gets 0.
    """
    total = np.bincount(users, weights=left_over, minlength=people)
    return total / (np.bincount(users, weights=curvature, minlength=people) + penalty)


def _moments(design: Floats) -> tuple[Floats, Floats]:
    count, total = np.zeros(design.shape[1]), np.zeros(design.shape[1])
    for part in _blocks(len(design)):
        known = ~np.isnan(design[part])
        count += known.sum(axis=0)
        total += np.where(known, design[part], 0.0).sum(axis=0)
    count = np.maximum(count, 1)
    means = total / count
    squares = np.zeros(design.shape[1])
    for part in _blocks(len(design)):
        away = design[part] - means
        squares += np.where(np.isnan(away), 0.0, away * away).sum(axis=0)
    scales = np.sqrt(squares / count)
    # A column that never moves (or is never known) has nothing to say: its weight becomes 0.
    return means, np.where(scales > 0, scales, np.inf)


def _blocks(rows: int, size: int = 4_096) -> Iterator[slice]:
    """So many rows that their columns stay in the cache while they are summed up."""
    return (slice(begin, begin + size) for begin in range(0, rows, size))


def _standardised(design: Floats, means: Floats, scales: Floats) -> Floats:
    away = (design - means) / scales
    # Not by np.clip and np.nan_to_num: of a single row they take longer than all the arithmetic.
    return np.minimum(np.maximum(np.where(np.isnan(away), 0.0, away), -FARTHEST), FARTHEST)


def _lines(means: Floats, scales: Floats, weights: Floats, intercept: float) -> Lines:
    # JSON has no infinity: a scale of 1 tells a weight of 0 as well.
    told = np.where(np.isfinite(scales), scales, 1.0)
    return Lines(tuple(means.tolist()), tuple(told.tolist()), tuple(weights.tolist()), intercept)
