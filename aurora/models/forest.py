"""A booster's trees as arrays: one row through all of them in some twenty microseconds.

To answer a single row both libraries take many times longer to prepare the call than to walk the trees. QuickScorer
(Lucchese et al., SIGIR 2015) walks none: it looks at all splits of all trees at once. The leaves of a tree are bits,
numbered from the left. A split that sends the row to its right rules out the leaves on its left, so after all of
them the lowest bit that is left is the leaf that the row falls into.

Which splits send a row to their right depends, column by column, only on how many of the column's cuts its value has
reached. What these splits together leave of every tree is therefore worked out once for each such number.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from aurora.errors import AuroraError
from aurora.models.metrics import Floats, Ints

if TYPE_CHECKING:
    import lightgbm
    import xgboost

MOST_LEAVES: Final = 64
_ALL: Final = np.uint64(2**MOST_LEAVES - 1)


class TreesUnsupportedError(AuroraError):
    """Trees that this form does not know: only their library can answer with them."""


class Split(NamedTuple):
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
    """Trees that add one score to a row of so many columns as they were trained on.

    In memory: eight bytes for each cut and tree, some ten megabytes for a few hundred trees.
    """

    kind: type[np.floating[Any]]
    """In which the library compares."""
    columns: Ints
    """Those that are split, ascending."""
    cuts: tuple[list[float], ...]
    """Of each of these columns, ascending: a value below a cut goes left."""
    starts: tuple[int, ...]
    """Of each of these columns, its first line in `possible`."""
    possible: npt.NDArray[np.uint64]
    """What is left of each tree: where the column's value is missing, then by how many of its cuts it has reached."""
    before_leaves: Ints
    """The place before the first leaf of each tree."""
    leaves: Floats
    constant: float
    """What a row gets without any split."""

    @classmethod
    def of(cls, trees: Iterable[Tree], constant: float, kind: type[np.floating[Any]]) -> Forest:
        """TreesUnsupportedError when a tree has more than 64 leaves."""
        splits: list[_Placed] = []
        leaves: list[float] = []
        first_leaves: list[int] = []
        for tree in trees:
            if not isinstance(tree, Split):
                constant += tree
                continue
            first_leaves.append(len(leaves))
            _flatten(tree, len(first_leaves) - 1, first_leaves[-1], splits, leaves)
            if len(leaves) - first_leaves[-1] > MOST_LEAVES:
                raise TreesUnsupportedError(f"a tree has more than {MOST_LEAVES} leaves")
        by_column: dict[int, list[_Placed]] = defaultdict(list)
        for placed in splits:
            by_column[placed.split.column].append(placed)
        columns = sorted(by_column)
        cuts = [sorted({kind(placed.split.below) for placed in by_column[column]}) for column in columns]
        blocks = [
            _left_by(by_column[column], of_column, len(first_leaves), kind)
            for column, of_column in zip(columns, cuts, strict=True)
        ]
        return cls(
            kind=kind,
            columns=np.array(columns, dtype=np.int64),
            cuts=tuple([float(cut) for cut in of_column] for of_column in cuts),
            starts=tuple(accumulate((len(block) for block in blocks[:-1]), initial=0)),
            possible=np.concatenate(blocks) if blocks else np.empty((0, 0), dtype=np.uint64),
            before_leaves=np.array(first_leaves, dtype=np.int64) - 1,
            leaves=np.array(leaves, dtype=np.float64),
            constant=constant,
        )

    def score(self, row: Floats) -> float:
        """What the trees add to one row; NaN is missing."""
        if not self.cuts:
            return self.constant
        values = row.take(self.columns).astype(self.kind).tolist()
        # Searched one by one in lists: of so few values each that takes a fraction of what one call of NumPy does.
        lines = [
            start if value != value else start + 1 + bisect_right(cuts, value)  # noqa: PLR0124  # NaN alone is not itself
            for value, cuts, start in zip(values, self.cuts, self.starts, strict=True)
        ]
        possible = np.bitwise_and.reduce(self.possible.take(lines, axis=0), axis=0)
        lowest = possible & np.negative(possible)
        # Of a power of two the exponent tells which bit it is, counted from one.
        place = np.frexp(lowest.astype(np.float64))[1]
        return self.constant + float(self.leaves.take(self.before_leaves + place).sum())


class _Placed(NamedTuple):
    """A split, the number of its tree, and the leaves that it leaves when it sends the row to its right."""

    split: Split
    tree: int
    mask: int


def _left_by(
    splits: Sequence[_Placed], cuts: Sequence[np.floating[Any]], trees: int, kind: type[np.floating[Any]]
) -> npt.NDArray[np.uint64]:
    """What the splits of one column leave of each tree: lines × trees, as in `Forest.possible`."""
    possible = np.full((len(cuts) + 2, trees), _ALL)
    line = {cut: number for number, cut in enumerate(cuts, start=2)}
    for (_, below, missing_left, _, _), tree, mask in splits:
        possible[line[kind(below)], tree] &= np.uint64(mask)
        if not missing_left:
            possible[0, tree] &= np.uint64(mask)
    possible[1:] = np.bitwise_and.accumulate(possible[1:], axis=0)
    return possible


def _flatten(tree: Tree, number: int, first_leaf: int, splits: list[_Placed], leaves: list[float]) -> None:
    """The splits and leaves of a tree from the left to the right."""
    if not isinstance(tree, Split):
        leaves.append(tree)
        return
    start = len(leaves) - first_leaf
    _flatten(tree.left, number, first_leaf, splits, leaves)
    end = len(leaves) - first_leaf
    ruled_out = (1 << end) - (1 << start)
    splits.append(_Placed(tree, number, int(_ALL) & ~ruled_out))
    _flatten(tree.right, number, first_leaf, splits, leaves)


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
