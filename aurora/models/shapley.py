"""TreeSHAP by tables: what each column adds to a row's score, in a small part of the time that the libraries take.

These are the path-dependent Shapley values of Lundberg et al. ("Consistent Individualized Feature Attribution for
Tree Ensembles"), exactly. What a tree gives to each column depends only on the ways that its splits send the row. As
in FastTreeSHAP v2 (Yang 2021) that is worked out once for every pattern of ways, and a row looks its patterns up.

A tree of many splits is taken in parts: a subtree and the splits on the way to it, no more than eight together. So a
pattern is one byte, and a sieve (`aurora.models.forest`) finds those of all parts at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from aurora.models.forest import Ensemble, Leaf, RuledOut, Sieve, Split, Tree, TreesUnsupportedError
from aurora.models.metrics import Floats, Ints

MOST_SPLITS: Final = 8
MOST_NUMBERS: Final = 8_000_000
"""In all tables together: as many as take 64 MB."""
_PATTERNS: Final = 2**MOST_SPLITS
_MEANS: Final = {points: np.polynomial.legendre.leggauss(points) for points in range(1, MOST_SPLITS // 2 + 1)}
"""Places between -1 and 1, and their weights, that give the mean of a polynomial by Gauss and Legendre."""


@dataclass(frozen=True, eq=False)
class Shapley:
    """The tables of an ensemble: in memory, some ten to a hundred kilobytes a tree."""

    sieve: Sieve
    """Its sets are the parts: of each, a bit for every split, which is left when the row goes to the split's left."""
    before: Ints
    """What is added to the pattern of each part to find its line in `shares`."""
    shares: Floats
    """What the columns of a part get: lines × the most columns that a part has."""
    columns: Ints
    """Whose shares these are: of each part as many as `shares` has columns, one part after the other."""
    base: float
    """The mean answer of the trees to the rows that they were trained on."""

    @classmethod
    def of(cls, ensemble: Ensemble) -> Shapley:
        """TreesUnsupportedError when a path is too long, the tables get too large, or rows were not counted."""
        tables: list[Floats] = []
        columns: list[list[int]] = []
        ruled_out: list[RuledOut] = []
        numbers = 0
        for part in (part for tree in ensemble.trees for part in _parts(tree)):
            numbers += MOST_SPLITS * 2 ** len(part.splits)
            if numbers > MOST_NUMBERS:
                raise TreesUnsupportedError(f"tables of these trees have more than {MOST_NUMBERS} numbers")
            for bit, split in enumerate(part.splits):
                ruled_out.append(RuledOut(split, len(tables), (_PATTERNS - 1) & ~(1 << bit)))
            columns.append(part.columns)
            tables.append(part.shares())
        width = max(map(len, columns), default=0)
        ends = np.cumsum([len(table) for table in tables], dtype=np.int64)
        shares = np.zeros((int(ends[-1]) if tables else 0, width))
        for table, end in zip(tables, ends.tolist(), strict=True):
            shares[end - len(table) : end, : table.shape[1]] = table
        return cls(
            sieve=Sieve.of(ruled_out, len(tables), ensemble.kind, np.uint8),
            # Bits for which a part has no split are always left: its last pattern is the last of all.
            before=ends - _PATTERNS,
            shares=shares,
            # Where a part has no column its shares are zero, whosever they are.
            columns=np.array([[*own, *[0] * (width - len(own))] for own in columns], dtype=np.int64).ravel(),
            base=ensemble.constant + sum(map(_mean, ensemble.trees)),
        )

    def contributions(self, design: Floats) -> Floats:
        """What each column adds to the base, row by row; NaN is missing."""
        table = np.zeros(design.shape)
        if not len(self.before):
            return table
        for row, shares in zip(design, table, strict=True):
            of_parts = self.shares.take(self.before + self.sieve.left_by(row), axis=0)
            shares[:] = np.bincount(self.columns, of_parts.ravel(), len(row))
        return table


class _Step(NamedTuple):
    """One of the ways from a split, and which share of the split's rows went there in training."""

    split: Split
    left: bool
    share: float


class _Path(NamedTuple):
    """To a leaf of a part: the bit of each split on it, and the step that is taken there."""

    steps: Sequence[tuple[int, _Step]]
    value: float


@dataclass(frozen=True)
class _Part:
    """Some leaves of a tree, and all splits on the paths to them: the place of a split is its bit."""

    splits: Sequence[Split]
    columns: list[int]
    paths: Sequence[_Path]

    def shares(self) -> Floats:
        """What each column gets: patterns × columns.

        A leaf gives its value times what each column is worth. A column that is known is worth 1 when all of its
        splits on the path send the row along it, and else 0; one that is unknown the share of rows that went along.
        What a column gets is the difference that it makes by being known, times the mean of what the others are
        worth, each of them known to the same degree, over all degrees: that of a polynomial, which has one factor
        for each of the others.
        """
        shape = len(self.paths), len(self.columns)
        asked, wanted, unknown = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8), np.ones(shape)
        for number, path in enumerate(self.paths):
            for bit, (split, left, share) in path.steps:
                place = number, self.columns.index(split.column)
                asked[place] |= 1 << bit
                wanted[place] |= left << bit
                unknown[place] *= share
        patterns = np.arange(2 ** len(self.splits), dtype=np.uint8)
        known = (patterns & asked[:, :, None]) == wanted[:, :, None]
        places, weights = _MEANS[(len(self.columns) + 1) // 2]
        degrees = (places[:, None, None, None] + 1) / 2
        worth = degrees * known + (1 - degrees) * unknown[:, :, None]
        others = worth.prod(axis=2, keepdims=True) / worth
        mean = (weights / 2 @ others.reshape(len(weights), -1)).reshape(known.shape)
        values = np.array([path.value for path in self.paths])
        given = values @ ((known - unknown[:, :, None]) * mean).reshape(len(values), -1)
        return given.reshape(known.shape[1:]).T


def _parts(tree: Tree, above: tuple[_Step, ...] = ()) -> Iterator[_Part]:
    """The parts of the subtree to which these steps lead. A tree that has no split has no part."""
    if len(above) + _size(tree) <= MOST_SPLITS:
        splits = [step.split for step in above]
        paths = list(_paths(tree, tuple(enumerate(above)), splits))
        if splits:
            yield _Part(splits, sorted({split.column for split in splits}), paths)
    elif isinstance(tree, Leaf):
        raise TreesUnsupportedError(f"a leaf lies behind more than {MOST_SPLITS} splits")
    else:
        for step in _ways(tree):
            yield from _parts(tree.left if step.left else tree.right, (*above, step))


def _paths(tree: Tree, steps: tuple[tuple[int, _Step], ...], splits: list[Split]) -> Iterator[_Path]:
    """The paths to all leaves behind these steps; the splits that are found there are added to `splits`."""
    if isinstance(tree, Leaf):
        yield _Path(steps, tree.value)
        return
    bit = len(splits)
    splits.append(tree)
    for step in _ways(tree):
        yield from _paths(tree.left if step.left else tree.right, (*steps, (bit, step)), splits)


def _ways(split: Split) -> tuple[_Step, _Step]:
    covers = split.cover, split.left.cover, split.right.cover
    if min(covers) <= 0:
        raise TreesUnsupportedError("no rows were counted at a split")
    to_left, to_right = covers[1] / covers[0], covers[2] / covers[0]
    return _Step(split, left=True, share=to_left), _Step(split, left=False, share=to_right)


def _size(tree: Tree) -> int:
    """The number of splits."""
    return 0 if isinstance(tree, Leaf) else 1 + _size(tree.left) + _size(tree.right)


def _mean(tree: Tree) -> float:
    if isinstance(tree, Leaf):
        return tree.value
    return sum(_mean(side) * side.cover for side in (tree.left, tree.right)) / tree.cover
