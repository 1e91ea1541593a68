"""Trees as arrays answer as their libraries do."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
import pytest
import xgboost

from aurora.models.class_booster import ClassBooster
from aurora.models.forest import (
    Forest,
    Split,
    TreesUnsupportedError,
    forest_of_lightgbm,
    forest_of_xgboost,
)
from aurora.models.metrics import Floats
from aurora.models.regression_booster import RegressionBooster

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


def on_the_borders(forest: Forest, table: Floats) -> Floats:
    """The rows, each with a value that lies exactly where some split cuts, or next to it."""
    table, rng = table.copy(), np.random.default_rng(3)
    # Nearer to zero LightGBM reads a zero, before it comes to its trees.
    apart_from_zero = [
        (int(column), forest.kind(cut))
        for column, cuts in zip(forest.columns, forest.cuts, strict=True)
        for cut in cuts
        if abs(cut) > 1e-30
    ]
    for row, number in enumerate(rng.integers(len(apart_from_zero), size=len(table))):
        column, cut = apart_from_zero[number]
        values = [cut, np.nextafter(cut, forest.kind(-np.inf)), np.nextafter(cut, forest.kind(np.inf))]
        table[row, column] = values[row % 3]
    return table


def test_a_row_gets_what_xgboost_adds_to_it() -> None:
    booster = trained_by_xgboost()
    forest = forest_of_xgboost(booster)
    new = on_the_borders(forest, rows(3000, 4))

    scores = np.array([forest.score(row) for row in new])

    # Leaves are added up in the single precision of the library there, and in double here.
    assert scores == pytest.approx(booster.inplace_predict(new, predict_type="margin"), abs=1e-5)
    assert np.ptp(scores) > 5


@pytest.mark.parametrize(
    "table",
    [TABLE, np.nan_to_num(TABLE)],
    ids=["with missing values", "never missing in training"],
)
def test_a_row_gets_what_lightgbm_adds_to_it(table: Floats) -> None:
    wanted = {"objective": "regression", "num_threads": 1, "verbose": -1}
    booster = lightgbm.train(wanted, lightgbm.Dataset(table, TARGET), 40)
    forest = forest_of_lightgbm(booster)
    new = on_the_borders(forest, rows(3000, 4))
    assert np.isnan(new).any()

    scores = np.array([forest.score(row) for row in new])

    assert scores == pytest.approx(booster.predict(new, raw_score=True), abs=1e-9)
    assert np.ptp(scores) > 5


def test_trees_without_a_split_add_the_same_to_every_row() -> None:
    assert Forest.of([0.5, -0.25], 1.0, np.float32).score(np.full(3, np.nan)) == 1.25
    mixed = Forest.of([0.5, Split(0, 2.0, missing_left=False, left=-1.0, right=1.0)], 0.0, np.float64)
    assert [mixed.score(np.array([value])) for value in (1.0, 2.0, np.nan)] == [-0.5, 1.5, 1.5]


def test_sixty_four_leaves_are_told_apart_and_more_are_refused() -> None:
    def comb(leaves: int) -> Forest:
        tree: Split | float = float(leaves - 1)
        for number in range(leaves - 2, -1, -1):
            tree = Split(0, number + 0.5, missing_left=True, left=float(number), right=tree)
        return Forest.of([tree], 0.0, np.float64)

    widest = comb(64)
    assert [widest.score(np.array([float(value)])) for value in range(64)] == list(range(64))
    with pytest.raises(TreesUnsupportedError, match="64"):
        comb(65)


@pytest.mark.parametrize(
    ("kind", "booster", "form"),
    [
        (RegressionBooster, trained_by_xgboost(rounds=3, max_depth=9), forest_of_xgboost),
        (ClassBooster, trained_by_lightgbm(rounds=3, num_leaves=100), forest_of_lightgbm),
        (ClassBooster, trained_by_lightgbm(rounds=3, zero_as_missing=True), forest_of_lightgbm),
    ],
    ids=["too many leaves", "too many leaves of lightgbm", "zero as missing"],
)
def test_what_this_form_does_not_know_is_answered_by_its_library(kind: Any, booster: Any, form: Any) -> None:
    model = kind(booster)

    one_by_one = [float(model.score(row[None, :])[0]) for row in TABLE[:50]]

    assert one_by_one == pytest.approx(model.score(TABLE[:50]).tolist(), abs=1e-6)
    with pytest.raises(TreesUnsupportedError):
        form(booster)


def test_splits_by_category_are_refused() -> None:
    table = np.column_stack([np.arange(600) % 5, TABLE[:600, 0]]).astype(float)
    booster = lightgbm.train(
        {"objective": "regression", "verbose": -1, "num_threads": 1},
        lightgbm.Dataset(table, (table[:, 0] == 3) * 4.0, categorical_feature=[0]),
        3,
    )

    with pytest.raises(TreesUnsupportedError, match="category"):
        forest_of_lightgbm(booster)
