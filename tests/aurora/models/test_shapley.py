"""What tables say that each column adds is what the libraries say, and what Shapley's definition says."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import comb
from typing import Any

import lightgbm
import numpy as np
import pytest
import xgboost

from aurora.models import shapley
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
from aurora.models.shapley import Shapley
from tests.aurora.models.trees import (
    COLUMNS,
    TABLE,
    TARGET,
    on_the_borders,
    rows,
    trained_by_lightgbm,
    trained_by_xgboost,
)


def by_xgboost(booster: xgboost.Booster, table: Floats) -> Floats:
    return np.asarray(booster.predict(xgboost.DMatrix(table), pred_contribs=True), dtype=np.float64)


def by_lightgbm(booster: lightgbm.Booster, table: Floats) -> Floats:
    return np.asarray(booster.predict(table, pred_contrib=True))


def a_tree(seed: int, cover: float = 100.0, depth: int = 0) -> Tree:
    """Unbalanced, at most four splits deep, with the same few columns again and again."""
    rng = np.random.default_rng(seed)
    if depth == 4 or (depth and rng.random() < 0.3):
        return Leaf(rng.normal(), cover)
    share, seeds = rng.uniform(0.01, 0.99), rng.integers(2**31, size=2)
    left = a_tree(int(seeds[0]), cover * share, depth + 1)
    right = a_tree(int(seeds[1]), cover * (1 - share), depth + 1)
    return Split(int(rng.integers(4)), rng.normal(), bool(rng.integers(2)), left, right, cover)


def worth(tree: Tree, row: Floats, known: Sequence[int]) -> float:
    """The mean answer of a tree when only these columns of the row are known."""
    if isinstance(tree, Leaf):
        return tree.value
    left, right = worth(tree.left, row, known), worth(tree.right, row, known)
    if tree.column not in known:
        return (left * tree.left.cover + right * tree.right.cover) / tree.cover
    value = row[tree.column]
    return left if (tree.missing_left if np.isnan(value) else value < tree.below) else right


def by_definition(tree: Tree, row: Floats) -> Floats:
    """What each column adds to those that are known before it, in the mean of all orders."""
    count = len(row)
    shares = np.zeros(count)
    for column in range(count):
        others = [other for other in range(count) if other != column]
        for size in range(count):
            for known in combinations(others, size):
                more = worth(tree, row, [*known, column]) - worth(tree, row, known)
                shares[column] += more / (count * comb(count - 1, size))
    return shares


def test_columns_get_what_the_definition_gives_them() -> None:
    for seed in range(40):
        tree, row = a_tree(seed), rows(1, seed)[0, 1:]
        tables = Shapley.of(Ensemble([tree], 0.0, np.float64))

        assert tables.contributions(row[None, :])[0] == pytest.approx(by_definition(tree, row), abs=1e-12)
        assert tables.base == pytest.approx(worth(tree, row, []))


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"grow_policy": "lossguide", "max_leaves": 9, "max_depth": 0},
        {"max_depth": 6, "min_child_weight": 0, "gamma": 5},
        {"objective": "reg:pseudohubererror", "max_depth": 3},
        {"max_depth": 5, "gamma": 500},
    ],
    ids=["five deep", "nine leaves", "thin leaves", "covers that are no counts", "most without a split"],
)
def test_columns_get_what_xgboost_gives_them(params: dict[str, Any]) -> None:
    booster = trained_by_xgboost(**params)
    tables = Shapley.of(trees_of_xgboost(booster))
    new = on_the_borders(tables.sieve, rows(3000, 4))

    expected = by_xgboost(booster, new)

    assert tables.contributions(new) == pytest.approx(expected[:, :-1], abs=1e-5)
    assert tables.base == pytest.approx(expected[0, -1], abs=1e-5)
    assert np.ptp(expected) > 1


@pytest.mark.parametrize("table", [TABLE, np.nan_to_num(TABLE)], ids=["with missing values", "never missing"])
@pytest.mark.parametrize("params", [{}, {"bagging_freq": 1, "bagging_fraction": 0.4, "extra_trees": True}])
def test_columns_get_what_lightgbm_gives_them(table: Floats, params: dict[str, Any]) -> None:
    wanted = {"num_leaves": 8, "min_data_in_leaf": 2, "num_threads": 1, "verbose": -1, **params}
    booster = lightgbm.train(wanted, lightgbm.Dataset(table, TARGET), 60)
    tables = Shapley.of(trees_of_lightgbm(booster))
    new = on_the_borders(tables.sieve, rows(3000, 4))

    expected = by_lightgbm(booster, new)

    assert tables.contributions(new) == pytest.approx(expected[:, :-1], abs=1e-9)
    assert tables.base == pytest.approx(expected[0, -1], abs=1e-9)
    assert np.ptp(expected) > 1


def test_shares_and_base_sum_to_the_score() -> None:
    ensemble = trees_of_xgboost(trained_by_xgboost())
    tables, forest, new = Shapley.of(ensemble), Forest.of(ensemble), rows(200, 5)

    scores = tables.base + tables.contributions(new).sum(axis=1)

    assert scores == pytest.approx([forest.score(row) for row in new], abs=1e-9)


def test_a_column_that_no_tree_splits_gets_nothing() -> None:
    tables = Shapley.of(Ensemble([a_tree(1), a_tree(2)], 0.0, np.float64))

    assert not tables.contributions(rows(50, 6))[:, 4:].any()


def test_trees_without_a_split_are_all_base() -> None:
    tables = Shapley.of(Ensemble([Leaf(0.5, 8), Leaf(-0.25, 8)], 1.0, np.float32))

    assert tables.base == 1.25
    assert not tables.contributions(TABLE[:3]).any()


@pytest.mark.parametrize(
    ("model", "by_library", "booster", "trees"),
    [
        (RegressionBooster, by_xgboost, trained_by_xgboost(rounds=3, max_depth=9), trees_of_xgboost),
        (ClassBooster, by_lightgbm, trained_by_lightgbm(rounds=3, num_leaves=100), trees_of_lightgbm),
        (ClassBooster, by_lightgbm, trained_by_lightgbm(rounds=3, zero_as_missing=True), trees_of_lightgbm),
    ],
    ids=["too deep", "too deep of lightgbm", "zero as missing"],
)
def test_what_has_no_tables_is_explained_by_its_library(
    model: Any, by_library: Any, booster: Any, trees: Any
) -> None:
    shares, base = model(booster).shares(TABLE[:20])

    expected = by_library(booster, TABLE[:20])
    assert shares == pytest.approx(expected[:, :-1], abs=1e-6)
    assert base == pytest.approx(expected[:, -1], abs=1e-6)
    with pytest.raises(TreesUnsupportedError):
        Shapley.of(trees(booster))


def test_one_row_is_explained_as_all_are_and_no_row_by_nothing() -> None:
    model = RegressionBooster(trained_by_xgboost())
    shares, base = model.shares(TABLE[:20])

    assert shares == pytest.approx(by_xgboost(trained_by_xgboost(), TABLE[:20])[:, :-1], abs=1e-5)
    assert (model.shares(TABLE[7:8]).table == shares[7]).all()
    assert (base == base[0]).all()
    assert model.shares(TABLE[:0]).table.shape == (0, COLUMNS)


def test_splits_without_rows_and_tables_too_large_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = Split(0, 1.0, missing_left=True, left=Leaf(1.0, 0), right=Leaf(2.0, 5), cover=5)
    with pytest.raises(TreesUnsupportedError, match="no rows"):
        Shapley.of(Ensemble([empty], 0.0, np.float32))

    monkeypatch.setattr(shapley, "MOST_NUMBERS", 1000)
    with pytest.raises(TreesUnsupportedError, match="1000 numbers"):
        Shapley.of(trees_of_xgboost(trained_by_xgboost()))
