"""What the native boosters have in common: fit, answer, explain, to and from bytes.

The trees of each add one score to a row. Plain `predict` of their libraries forgets where it started: nothing outside
these classes calls it. TreeSHAP shares are exact: they sum, with the base, to the score.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from aurora.models.forest import Ensemble, Forest, TreesUnsupportedError
from aurora.models.metrics import Floats
from aurora.models.shapley import Shapley

Form = TypeVar("Form", Forest, Shapley)


class TreeShares(NamedTuple):
    """Exact TreeSHAP values of some rows."""

    table: Floats
    """What each column adds: rows × columns."""
    base: Floats
    """The mean score, which they add it to: one value per row."""

    @property
    def score(self) -> Floats:
        return self.base + self.table.sum(axis=1)


class Booster(Protocol):
    """A trained booster. `start` is where it starts from: one value per row, or one share per row and class."""

    def score(self, design: Floats) -> Floats:
        """What the trees add to the raw answer, wherever that starts from: one value per row."""
        ...

    def prepare(self) -> None:
        """Make now what the first single row would wait for."""
        ...

    def answer(self, design: Floats, start: Floats) -> Floats:
        """The final answer: one value per row, or one probability per row and class."""
        ...

    def shares(self, design: Floats) -> TreeShares:
        """The score again, and what each column has in it."""
        ...

    def to_bytes(self) -> bytes: ...


@dataclass(frozen=True)
class Fit:
    """A booster that was trained on rows, and what its trees add to each of them, if the library still knew.

    It knows that at the end of a training in one process: to ask again takes a good part of the training's time.
    """

    booster: Booster
    kept: Floats | None = None

    def scores(self, design: Floats) -> Floats:
        """What the trees add to each of the rows, of which this is the design: one value per row."""
        return self.booster.score(design) if self.kept is None else self.kept


@dataclass(frozen=True)
class Trial:
    """A booster that was trained on some of the rows, its number of rounds, and its loss on the others."""

    booster: Booster
    rounds: int
    loss: float


class Trees(ABC):
    """How trees score and explain rows: a table is scored by their library. A single row, and what each column adds to
    any row, comes from arrays, where these forms know the trees.
    """

    def score(self, design: Floats) -> Floats:
        if len(design) == 1 and self._forest is not None:
            return np.array([self._forest.score(design[0])])
        return self._score_of_table(design)

    def prepare(self) -> None:
        _ = self._forest, self._shapley
        # Of no more use when both are made of it.
        vars(self).pop("_ensemble", None)

    def shares(self, design: Floats) -> TreeShares:
        if self._shapley is not None:
            return TreeShares(self._shapley.contributions(design), np.full(len(design), self._shapley.base))
        table = self._shares_by_library(design)
        return TreeShares(table[:, :-1], table[:, -1])

    @cached_property
    def _forest(self) -> Forest | None:
        return self._as(Forest.of)

    @cached_property
    def _shapley(self) -> Shapley | None:
        return self._as(Shapley.of)

    def _as(self, form: Callable[[Ensemble], Form]) -> Form | None:
        try:
            return None if self._ensemble is None else form(self._ensemble)
        except TreesUnsupportedError:
            return None

    @cached_property
    def _ensemble(self) -> Ensemble | None:
        try:
            return self._trees()
        except TreesUnsupportedError:
            return None

    @abstractmethod
    def _score_of_table(self, design: Floats) -> Floats: ...

    @abstractmethod
    def _shares_by_library(self, design: Floats) -> Floats:
        """What each column adds to the score of each row, and in a last column what they add it to."""

    @abstractmethod
    def _trees(self) -> Ensemble: ...
