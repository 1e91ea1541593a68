"""What the native boosters have in common: fit, answer, explain, to and from bytes.

The trees of each add one score to a row. Plain `predict` of their libraries forgets where it started: nothing outside
these classes calls it. TreeSHAP contributions are exact: they sum, with the base, to the raw answer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from aurora.models.forest import Forest, TreesUnsupportedError
from aurora.models.metrics import Floats


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

    def contributions(self, design: Floats, start: Floats) -> tuple[Floats, Floats]:
        """Raw contributions and the base they start from.

        (rows × columns, rows), in units of the target; for classes in log-odds of the answered class against
        the next worse one. Base plus contributions is the raw answer.
        """
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
    """How trees score rows: a table by their library, a single row as arrays where that form knows them."""

    def score(self, design: Floats) -> Floats:
        if len(design) == 1 and self._forest is not None:
            return np.array([self._forest.score(design[0])])
        return self._score_of_table(design)

    def prepare(self) -> None:
        _ = self._forest

    @cached_property
    def _forest(self) -> Forest | None:
        try:
            return self._as_arrays()
        except TreesUnsupportedError:
            return None

    @abstractmethod
    def _score_of_table(self, design: Floats) -> Floats: ...

    @abstractmethod
    def _as_arrays(self) -> Forest: ...
