"""The two kinds of target behind one interface: what a score does to an answer, and what answers leave over.

A regression answers with one value per row, and a score adds points. Classes are answered by one probability
per row and class, and a score leans them (`aurora.models.ordinal`).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from aurora.models.catalogue import Kind
from aurora.models.headstart import Lines, lines_that_lean, lines_through
from aurora.models.metrics import Floats, Ints
from aurora.models.ordinal import leaned, left_over, log_loss


class Target(Protocol):
    """What differs between kinds of target beside the booster."""

    def lines(self, design: Floats, start: Floats, target: Floats | Ints) -> Lines:
        """Straight lines in the columns of the design that bring the start nearest to the target."""
        ...

    def moved(self, answers: Floats, score: Floats) -> Floats:
        """The answers moved by one score per row."""
        ...

    def left_over(self, answers: Floats, target: Floats | Ints) -> tuple[Floats, Floats]:
        """By how much each row's score should have been higher, and how much the row says about it."""
        ...

    def loss(self, answers: Floats, target: Floats | Ints) -> float:
        """What choices are made by."""
        ...


class _Regression:
    def lines(self, design: Floats, start: Floats, target: Floats | Ints) -> Lines:
        return lines_through(design, target - start)

    def moved(self, answers: Floats, score: Floats) -> Floats:
        return answers + score

    def left_over(self, answers: Floats, target: Floats | Ints) -> tuple[Floats, Floats]:
        return target - answers, np.ones(len(target))

    def loss(self, answers: Floats, target: Floats | Ints) -> float:
        return float(np.abs(answers - target).mean())


class _Classes:
    def lines(self, design: Floats, start: Floats, target: Floats | Ints) -> Lines:
        return lines_that_lean(design, start, target.astype(np.int64))

    def moved(self, answers: Floats, score: Floats) -> Floats:
        return leaned(answers, score)

    def left_over(self, answers: Floats, target: Floats | Ints) -> tuple[Floats, Floats]:
        return left_over(answers, target.astype(np.int64))

    def loss(self, answers: Floats, target: Floats | Ints) -> float:
        return log_loss(answers, target.astype(np.int64))


TARGETS: dict[Kind, Target] = {"regression": _Regression(), "classes": _Classes()}
