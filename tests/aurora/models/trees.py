"""Trees that both libraries trained on the same rows, and rows to ask them about."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
import xgboost

from aurora.models.forest import Sieve
from aurora.models.metrics import Floats

COLUMNS = 6


def rows(count: int, seed: int) -> Floats:
    """Numbers, many of them on a coarse grid, some missing, some zero."""
    rng = np.random.default_rng(seed)
    table = rng.normal(0, 2, (count, COLUMNS))
    table[:, :3] = np.round(table[:, :3])
    table[:, 1:][rng.random((count, COLUMNS - 1)) < 0.3] = np.nan
    return table


TABLE = rows(2000, 1)
TARGET = (
    np.nan_to_num(TABLE).sum(axis=1) + np.isnan(TABLE[:, 3]) + np.random.default_rng(2).normal(0, 1, 2000)
)


def trained_by_xgboost(rounds: int = 40, **params: Any) -> xgboost.Booster:
    return xgboost.train(
        {"max_depth": 5, "base_score": 0.25, "nthread": 1, **params}, xgboost.DMatrix(TABLE, TARGET), rounds
    )


def trained_by_lightgbm(rounds: int = 40, **params: Any) -> lightgbm.Booster:
    wanted = {"objective": "regression", "num_threads": 1, "verbose": -1, "min_data_in_leaf": 5, **params}
    return lightgbm.train(wanted, lightgbm.Dataset(TABLE, TARGET), rounds)


def on_the_borders(sieve: Sieve, table: Floats) -> Floats:
    """The rows, each with a value that lies exactly where some split cuts, or next to it."""
    table, rng = table.copy(), np.random.default_rng(3)
    # Nearer to zero LightGBM reads a zero, before it comes to its trees.
    apart_from_zero = [
        (int(column), sieve.kind(cut))
        for column, cuts in zip(sieve.columns, sieve.cuts, strict=True)
        for cut in cuts
        if abs(cut) > 1e-30
    ]
    for row, number in enumerate(rng.integers(len(apart_from_zero), size=len(table))):
        column, cut = apart_from_zero[number]
        values = [cut, np.nextafter(cut, sieve.kind(-np.inf)), np.nextafter(cut, sieve.kind(np.inf))]
        table[row, column] = values[row % 3]
    return table
