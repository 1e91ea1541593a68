"""Trees as arrays answer as their libraries do."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
import pytest

from aurora.models.class_booster import ClassBooster
from aurora.models.forest import (
    Ensemble,
    Forest,
    Leaf,
    Split,
    Tree,
    TreesUnsupportedError,
    trees_of_lightgbm,
    trees_of_xgboost,
)
from aurora.models.metrics import Floats
from aurora.models.regression_booster import RegressionBooster
from tests.aurora.models.trees import (
    TABLE,
    TARGET,
    on_the_borders,
    rows,
    trained_by_lightgbm,
    trained_by_xgboost,
)


def test_a_row_gets_what_xgboost_adds_to_it() -> None:
    booster = trained_by_xgboost()
    forest = Forest.of(trees_of_xgboost(booster))
    new = on_the_borders(forest.sieve, rows(3000, 4))

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
    forest = Forest.of(trees_of_lightgbm(booster))
    new = on_the_borders(forest.sieve, rows(3000, 4))
    assert np.isnan(new).any()

    scores = np.array([forest.score(row) for row in new])

    assert scores == pytest.approx(booster.predict(new, raw_score=True), abs=1e-9)
    assert np.ptp(scores) > 5


def test_trees_without_a_split_add_the_same_to_every_row() -> None:
    still = Ensemble([Leaf(0.5, 8), Leaf(-0.25, 8)], 1.0, np.float32)
    split = Split(0, 2.0, missing_left=False, left=Leaf(-1.0, 4), right=Leaf(1.0, 4), cover=8)
    mixed = Forest.of(Ensemble([Leaf(0.5, 8), split], 0.0, np.float64))

    assert Forest.of(still).score(np.full(3, np.nan)) == 1.25
    assert [mixed.score(np.array([value])) for value in (1.0, 2.0, np.nan)] == [-0.5, 1.5, 1.5]


def test_sixty_four_leaves_are_told_apart_and_more_are_refused() -> None:
    def comb(leaves: int) -> Forest:
        tree: Tree = Leaf(float(leaves - 1), 1)
        for number in range(leaves - 2, -1, -1):
            left, cover = Leaf(float(number), 1), leaves - number
            tree = Split(0, number + 0.5, missing_left=True, left=left, right=tree, cover=cover)
        return Forest.of(Ensemble([tree], 0.0, np.float64))

    widest = comb(64)
    assert [widest.score(np.array([float(value)])) for value in range(64)] == list(range(64))
    with pytest.raises(TreesUnsupportedError, match="64"):
        comb(65)


@pytest.mark.parametrize(
    ("kind", "booster", "trees"),
    [
        (RegressionBooster, trained_by_xgboost(rounds=3, max_depth=9), trees_of_xgboost),
        (ClassBooster, trained_by_lightgbm(rounds=3, num_leaves=100), trees_of_lightgbm),
        (ClassBooster, trained_by_lightgbm(rounds=3, zero_as_missing=True), trees_of_lightgbm),
    ],
    ids=["too many leaves", "too many leaves of lightgbm", "zero as missing"],
)
def test_what_this_form_does_not_know_is_answered_by_its_library(kind: Any, booster: Any, trees: Any) -> None:
    model = kind(booster)

    one_by_one = [float(model.score(row[None, :])[0]) for row in TABLE[:50]]

    assert one_by_one == pytest.approx(model.score(TABLE[:50]).tolist(), abs=1e-6)
    with pytest.raises(TreesUnsupportedError):
        Forest.of(trees(booster))


def test_splits_by_category_are_refused() -> None:
    table = np.column_stack([np.arange(600) % 5, TABLE[:600, 0]]).astype(float)
    booster = lightgbm.train(
        {"objective": "regression", "verbose": -1, "num_threads": 1},
        lightgbm.Dataset(table, (table[:, 0] == 3) * 4.0, categorical_feature=[0]),
        3,
    )

    with pytest.raises(TreesUnsupportedError, match="category"):
        trees_of_lightgbm(booster)
