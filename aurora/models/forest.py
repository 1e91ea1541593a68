"""A booster's trees as arrays: one row through all of them in some twenty microseconds.

To answer a single row both libraries take many times longer to prepare the call than to walk the trees. QuickScorer
(Lucchese et al., SIGIR 2015) walks none: it looks at all splits of all trees at once. The leaves of a tree are bits,
numbered from the left. A split that sends the row to its right rules out the leaves on its left, so after all of
them the lowest bit that is left is the leaf that the row falls into.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from aurora.errors import AuroraError
from aurora.models.metrics import Bools, Floats, Ints

if TYPE_CHECKING:
    import lightgbm
    import xgboost

MOST_LEAVES: Final = 64
_ALL: Final = np.uint64(2**MOST_LEAVES - 1)
_ONE: Final = np.uint64(1)


class TreesUnsupportedError(AuroraError):
    """Trees that this form does not know: only their library can answer with them."""


@dataclass(frozen=True, slots=True)
class Split:
    """A row whose value is below goes left; a missing value goes where it was seen to fit."""

    column: int
    below: float
    missing_left: bool
    left: Tree
    right: Tree


Tree = Split | float
"""A split, or the value of a leaf."""


@dataclass(frozen=True, eq=False)
class Forest:
    """Trees that add one score to a row of so many columns as they were trained on."""

    columns: Ints
    below: npt.NDArray[np.floating[Any]]
    """Of the type in which the library compares."""
    missing_left: Bools
    masks: npt.NDArray[np.uint64]
    """The leaves that each split leaves when it sends the row to its right."""
    first_splits: Ints
    first_leaves: Ints
    leaves: Floats
    constant: float
    """What a row gets without any split."""

    @classmethod
    def of(cls, trees: Iterable[Tree], constant: float, kind: type[np.floating[Any]]) -> Forest:
        """TreesUnsupportedError when a tree has more than 64 leaves."""
        splits: list[tuple[int, float, bool, int]] = []
        leaves: list[float] = []
        first_splits: list[int] = []
        first_leaves: list[int] = []
        for tree in trees:
            if not isinstance(tree, Split):
                constant += tree
                continue
            first_splits.append(len(splits))
            first_leaves.append(len(leaves))
            _flatten(tree, first_leaves[-1], splits, leaves)
            if len(leaves) - first_leaves[-1] > MOST_LEAVES:
                raise TreesUnsupportedError(f"a tree has more than {MOST_LEAVES} leaves")
        columns, below, missing_left, masks = zip(*splits, strict=True) if splits else ((), (), (), ())
        return cls(
            columns=np.array(columns, dtype=np.int64),
            below=np.array(below, dtype=kind),
            missing_left=np.array(missing_left, dtype=np.bool_),
            masks=np.array(masks, dtype=np.uint64),
            first_splits=np.array(first_splits, dtype=np.int64),
            first_leaves=np.array(first_leaves, dtype=np.int64),
            leaves=np.array(leaves, dtype=np.float64),
            constant=constant,
        )

    def score(self, row: Floats) -> float:
        """What the trees add to one row; NaN is missing."""
        if not len(self.first_splits):
            return self.constant
        values = row.astype(self.below.dtype).take(self.columns)
        is_left = (values < self.below) | (np.isnan(values) & self.missing_left)
        possible = np.bitwise_and.reduceat(np.where(is_left, _ALL, self.masks), self.first_splits)
        lowest = possible & (~possible + _ONE)
        # Of a power of two the exponent tells which bit it is.
        place = np.frexp(lowest.astype(np.float64))[1] - 1
        return self.constant + float(self.leaves.take(self.first_leaves + place).sum())


def _flatten(
    tree: Tree, first_leaf: int, splits: list[tuple[int, float, bool, int]], leaves: list[float]
) -> None:
    """The splits and leaves of a tree from the left to the right."""
    if not isinstance(tree, Split):
        leaves.append(tree)
        return
    start = len(leaves) - first_leaf
    _flatten(tree.left, first_leaf, splits, leaves)
    end = len(leaves) - first_leaf
    ruled_out = (1 << end) - (1 << start)
    splits.append((tree.column, tree.below, tree.missing_left, int(_ALL) & ~ruled_out))
    _flatten(tree.right, first_leaf, splits, leaves)


def forest_of_xgboost(booster: xgboost.Booster) -> Forest:
    """The trees of a regression (XGBoost's JSON model schema); TreesUnsupportedError when they are of another kind."""
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    trees = learner["gradient_booster"].get("model", {}).get("trees")
    if trees is None or any(any(tree["split_type"]) for tree in trees):
        raise TreesUnsupportedError("not the trees of numbers that XGBoost calls gbtree")
    base = float(learner["learner_model_param"]["base_score"].strip("[]"))
    return Forest.of((_of_xgboost(tree, 0) for tree in trees), base, np.float32)


def _of_xgboost(tree: Mapping[str, Sequence[Any]], node: int) -> Tree:
    left, right = tree["left_children"][node], tree["right_children"][node]
    if left < 0:
        return float(tree["split_conditions"][node])
    return Split(
        column=tree["split_indices"][node],
        below=tree["split_conditions"][node],
        missing_left=bool(tree["default_left"][node]),
        left=_of_xgboost(tree, left),
        right=_of_xgboost(tree, right),
    )


def forest_of_lightgbm(booster: lightgbm.Booster) -> Forest:
    """The trees of one score a row; TreesUnsupportedError when they split by category or take zero for missing."""
    trees = (_of_lightgbm(info["tree_structure"]) for info in booster.dump_model()["tree_info"])
    return Forest.of(trees, 0.0, np.float64)


def _of_lightgbm(node: Mapping[str, Any]) -> Tree:
    if "leaf_value" in node:
        return float(node["leaf_value"])
    if node["decision_type"] != "<=" or node["missing_type"] == "Zero":
        raise TreesUnsupportedError("LightGBM split by category, or took zero for missing")
    threshold = float(node["threshold"])
    # A column that was never missing in training has no side for it: the library takes 0 in its place.
    missing_left = node["default_left"] if node["missing_type"] == "NaN" else threshold >= 0
    return Split(
        column=node["split_feature"],
        below=float(np.nextafter(threshold, np.inf)),
        missing_left=missing_left,
        left=_of_lightgbm(node["left_child"]),
        right=_of_lightgbm(node["right_child"]),
    )
