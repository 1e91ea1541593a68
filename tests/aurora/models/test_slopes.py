from __future__ import annotations

import numpy as np
import pytest

from aurora.models.metrics import Floats, Ints
from aurora.models.slopes import slope_spread

GROUPS, ROWS = 80, 40


def a_column(seed: int = 1) -> tuple[np.random.Generator, Floats, Ints, Floats]:
    """A column, the group of each row, and noise of 1."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(GROUPS), ROWS)
    return rng, rng.normal(size=len(groups)), groups, rng.normal(size=len(groups))


def weights(rows: Floats) -> Floats:
    return np.ones(len(rows))


def test_slopes_that_differ_between_groups_are_told_from_chance() -> None:
    rng, column, groups, noise = a_column()
    left_over = noise + rng.normal(0, 0.5, GROUPS)[groups] * column

    assert slope_spread(column, left_over, weights(noise), groups) == pytest.approx(0.5, rel=0.2)
    assert slope_spread(column, noise, weights(noise), groups) < 0.1


def test_a_slope_that_all_groups_share_is_a_miss_as_well() -> None:
    _, column, groups, noise = a_column()

    assert slope_spread(column, noise - 0.5 * column, weights(noise), groups) == pytest.approx(0.5, rel=0.1)


def test_what_differs_between_the_levels_of_groups_is_no_slope() -> None:
    rng, column, groups, noise = a_column()
    level = rng.normal(0, 3, GROUPS)[groups]

    assert slope_spread(column + level, noise + level, weights(noise), groups) < 0.1


def test_a_spread_is_per_unit_of_the_column() -> None:
    rng, column, groups, noise = a_column()
    left_over = noise + rng.normal(0, 0.5, GROUPS)[groups] * column
    of_hours = slope_spread(column, left_over, weights(noise), groups)

    assert slope_spread(60 * column, left_over, weights(noise), groups) == pytest.approx(of_hours / 60)


def test_rows_without_the_column_say_nothing() -> None:
    _, column, groups, noise = a_column()
    left_over = noise - 0.5 * column
    known = np.arange(len(column)) % 2 == 0

    assert slope_spread(np.where(known, column, np.nan), left_over, weights(noise), groups) == slope_spread(
        column[known], left_over[known], weights(noise)[known], groups[known]
    )
    assert slope_spread(np.full(len(column), np.nan), left_over, weights(noise), groups) == 0


def test_a_column_that_never_moves_has_no_slope() -> None:
    _, column, groups, noise = a_column()

    assert slope_spread(np.ones(len(column)), noise, weights(noise), groups) == 0
