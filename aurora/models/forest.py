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
_ALL: Final = 2**MOST_LEAVES - 1


class TreesUnsupportedError(AuroraError):
    """Trees that this form does not know: only their library can answer with them."""


class Leaf(NamedTuple):
    value: float
    cover: float
    """By how many rows, or what they weighed, it was trained, as the library counts them: above zero."""


class Split(NamedTuple):
    """A row whose value is below goes left; a missing value goes where it was seen to fit."""

    column: int
    below: float
    missing_left: bool
    left: Tree
    right: Tree
    cover: float


Tree = Split | Leaf


class Ensemble(NamedTuple):
    """Trees that add one score to a row of so many columns as they were trained on."""

    trees: Sequence[Tree]
    constant: float
    """What a row gets without any tree."""
    kind: type[np.floating[Any]]
    """In which the library compares."""


class RuledOut(NamedTuple):
    """What a split leaves of one of the sets of a sieve when it sends a row to its right."""

    split: Split
    set_number: int
    mask: int


@dataclass(frozen=True, eq=False)
class Sieve:
    """Sets of bits, of which each split that sends a row to its right rules some out."""

    kind: type[np.floating[Any]]
    columns: Ints
    """Those that are split, ascending."""
    cuts: tuple[list[float], ...]
    """Of each of these columns, ascending: a value below a cut goes left."""
    starts: tuple[int, ...]
    """Of each of these columns, its first line in `possible`."""
    possible: npt.NDArray[np.unsignedinteger[Any]]
    """What is left of each set: where the column's value is missing, then by how many of its cuts it has reached."""

    @classmethod
    def of(
        cls,
        ruled_out: Iterable[RuledOut],
        sets: int,
        kind: type[np.floating[Any]],
        bits: type[np.unsignedinteger[Any]],
    ) -> Sieve:
        by_column: dict[int, list[RuledOut]] = defaultdict(list)
        for one in ruled_out:
            by_column[one.split.column].append(one)
        columns = sorted(by_column)
        cuts = [sorted({kind(one.split.below) for one in by_column[column]}) for column in columns]
        blocks = [
            _left_by(by_column[column], of_column, np.full((len(of_column) + 2, sets), ~bits(0)))
            for column, of_column in zip(columns, cuts, strict=True)
        ]
        return cls(
            kind=kind,
            columns=np.array(columns, dtype=np.int64),
            cuts=tuple([float(cut) for cut in of_column] for of_column in cuts),
            starts=tuple(accumulate((len(block) for block in blocks[:-1]), initial=0)),
            possible=np.concatenate(blocks) if blocks else np.empty((0, 0), dtype=bits),
        )

    def left_by(self, row: Floats) -> npt.NDArray[np.unsignedinteger[Any]]:
        """What a row leaves of each set, where there is any split; NaN is missing."""
        values = row.take(self.columns).astype(self.kind).tolist()
        # Searched one by one in lists: of so few values each that takes a fraction of what one call of NumPy does.
        lines = [
            start if value != value else start + 1 + bisect_right(cuts, value)  # noqa: PLR0124  # NaN alone is not itself
            for value, cuts, start in zip(values, self.cuts, self.starts, strict=True)
        ]
        return np.bitwise_and.reduce(self.possible.take(lines, axis=0), axis=0)


@dataclass(frozen=True, eq=False)
class Forest:
    """The leaves of an ensemble, of which a sieve leaves one a tree.

    In memory: eight bytes for each cut and tree, some ten megabytes for a few hundred trees.
    """

    sieve: Sieve
    before_leaves: Ints
    """The place before the first leaf of each tree."""
    leaves: Floats
    constant: float
    """What a row gets without any split."""

    @classmethod
    def of(cls, ensemble: Ensemble) -> Forest:
        """TreesUnsupportedError when a tree has more than 64 leaves."""
        ruled_out: list[RuledOut] = []
        leaves: list[float] = []
        first_leaves: list[int] = []
        constant = ensemble.constant
        for tree in ensemble.trees:
            if isinstance(tree, Leaf):
                constant += tree.value
                continue
            first_leaves.append(len(leaves))
            _flatten(tree, len(first_leaves) - 1, first_leaves[-1], ruled_out, leaves)
            if len(leaves) - first_leaves[-1] > MOST_LEAVES:
                raise TreesUnsupportedError(f"a tree has more than {MOST_LEAVES} leaves")
        return cls(
            sieve=Sieve.of(ruled_out, len(first_leaves), ensemble.kind, np.uint64),
            before_leaves=np.array(first_leaves, dtype=np.int64) - 1,
            leaves=np.array(leaves, dtype=np.float64),
            constant=constant,
        )

    def score(self, row: Floats) -> float:
        """What the trees add to one row; NaN is missing."""
        if not len(self.leaves):
            return self.constant
        possible = self.sieve.left_by(row)
        lowest = possible & np.negative(possible)
        # Of a power of two the exponent tells which bit it is, counted from one.
        place = np.frexp(lowest.astype(np.float64))[1]
        return self.constant + float(self.leaves.take(self.before_leaves + place).sum())


def _left_by(
    ruled_out: Iterable[RuledOut],
    cuts: Sequence[np.floating[Any]],
    possible: npt.NDArray[np.unsignedinteger[Any]],
) -> npt.NDArray[np.unsignedinteger[Any]]:
    """`possible`, lines × sets as in `Sieve.possible`, after the splits of one column."""
    line = {cut: number for number, cut in enumerate(cuts, start=2)}
    kind, bits = type(cuts[0]), possible.dtype.type
    for split, number, mask in ruled_out:
        possible[line[kind(split.below)], number] &= bits(mask)
        if not split.missing_left:
            possible[0, number] &= bits(mask)
    possible[1:] = np.bitwise_and.accumulate(possible[1:], axis=0)
    return possible


def _flatten(
    tree: Tree, number: int, first_leaf: int, ruled_out: list[RuledOut], leaves: list[float]
) -> None:
    """The splits and leaves of a tree from the left to the right."""
    if isinstance(tree, Leaf):
        leaves.append(tree.value)
        return
    start = len(leaves) - first_leaf
    _flatten(tree.left, number, first_leaf, ruled_out, leaves)
    end = len(leaves) - first_leaf
    on_the_left = (1 << end) - (1 << start)
    ruled_out.append(RuledOut(tree, number, _ALL & ~on_the_left))
    _flatten(tree.right, number, first_leaf, ruled_out, leaves)


def trees_of_xgboost(booster: xgboost.Booster) -> Ensemble:
    """The trees of a regression (XGBoost's JSON model schema); TreesUnsupportedError when they are of another kind."""
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    trees = learner["gradient_booster"].get("model", {}).get("trees")
    if trees is None or any(any(tree["split_type"]) for tree in trees):
        raise TreesUnsupportedError("not the trees of numbers that XGBoost calls gbtree")
    base = float(learner["learner_model_param"]["base_score"].strip("[]"))
    return Ensemble([_of_xgboost(tree, 0) for tree in trees], base, np.float32)


def _of_xgboost(tree: Mapping[str, Sequence[Any]], node: int) -> Tree:
    left, right = tree["left_children"][node], tree["right_children"][node]
    cover = float(tree["sum_hessian"][node])
    if left < 0:
        return Leaf(float(tree["split_conditions"][node]), cover)
    return Split(
        column=tree["split_indices"][node],
        below=tree["split_conditions"][node],
        missing_left=bool(tree["default_left"][node]),
        left=_of_xgboost(tree, left),
        right=_of_xgboost(tree, right),
        cover=cover,
    )


def trees_of_lightgbm(booster: lightgbm.Booster) -> Ensemble:
    """The trees of one score a row; TreesUnsupportedError when they split by category or take zero for missing."""
    trees = [_of_lightgbm(info["tree_structure"]) for info in booster.dump_model()["tree_info"]]
    return Ensemble(trees, 0.0, np.float64)


def _of_lightgbm(node: Mapping[str, Any]) -> Tree:
    if "leaf_value" in node:
        # A tree of one leaf has no count.
        return Leaf(float(node["leaf_value"]), float(node.get("leaf_count", 1)))
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
        cover=float(node["internal_count"]),
    )
