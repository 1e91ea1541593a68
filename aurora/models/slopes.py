"""Slopes that a model leaves over: how far the effect of one column lies from what the model says of it.

A pooled model says one thing of everybody. What it leaves over, held out, still leans with a column in one group
of rows and against it in another; beyond chance, that is how much the effect differs from group to group, and how
far the model is wrong about all of them.
"""

from __future__ import annotations

import numpy as np

from aurora.models.metrics import Floats, Ints


def slope_spread(column: Floats, residual: Floats, weight: Floats, groups: Ints) -> float:
    """Root mean square of the groups' slopes of `residual` in `column`, less what is chance in them; never below 0.

    The moments estimate of DerSimonian & Laird (Controlled Clinical Trials 7(3), 1986), about 0 instead of the
    mean slope: a slope that all share is a miss as well. All have one value per row, `weight` how much the row says;
    rows in which the column is missing say nothing. In units of the residual per unit of the column.
    """
    known = np.flatnonzero(~np.isnan(column))
    if not len(known):
        return 0.0
    _, group = np.unique(groups[known], return_inverse=True)
    values, weights = column[known], weight[known]
    x, y = (_within(each, weights, group) for each in (values, residual[known]))
    said = np.bincount(group, weights * x * x)
    leaning = np.bincount(group, weights * x * y)
    moving = said > 1e-9 * said.sum()
    free = len(known) - len(said)
    if not moving.any() or free <= 0:
        return 0.0
    chance = float((weights * y * y).sum()) / free
    # A group's slope is leaning ÷ said, and chance ÷ said its variance.
    surplus = float((leaning[moving] ** 2 / said[moving]).sum()) - chance * float(moving.sum())
    return float(np.sqrt(max(surplus, 0.0) / said.sum()))


def _within(values: Floats, weights: Floats, group: Ints) -> Floats:
    """The values less the mean of their group."""
    means = np.bincount(group, weights * values) / np.bincount(group, weights)
    return values - means[group]
