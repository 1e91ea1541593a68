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

    def before(self, answers: Floats, score: Floats) -> Floats:
        """What the raw answers are before they are moved by the scores, one number per row to which these are added.

        Of a regression in its points; of classes in log-odds of the class that will be answered against the next worse
        one, or of the second against the worst, where that is answered.
        """
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

    def before(self, answers: Floats, score: Floats) -> Floats:
        del score
        return answers

    def left_over(self, answers: Floats, target: Floats | Ints) -> tuple[Floats, Floats]:
        return target - answers, np.ones(len(target))

    def loss(self, answers: Floats, target: Floats | Ints) -> float:
        return float(np.abs(answers - target).mean())


class _Classes:
    def lines(self, design: Floats, start: Floats, target: Floats | Ints) -> Lines:
        return lines_that_lean(design, start, target.astype(np.int64))

    def moved(self, answers: Floats, score: Floats) -> Floats:
        return leaned(answers, score)

    def before(self, answers: Floats, score: Floats) -> Floats:
        better = np.maximum(leaned(answers, score).argmax(axis=1), 1)
        rows = np.arange(len(answers))
        return np.log(answers[rows, better]) - np.log(answers[rows, better - 1])

    def left_over(self, answers: Floats, target: Floats | Ints) -> tuple[Floats, Floats]:
        return left_over(answers, target.astype(np.int64))

    def loss(self, answers: Floats, target: Floats | Ints) -> float:
        return log_loss(answers, target.astype(np.int64))


TARGETS: dict[Kind, Target] = {"regression": _Regression(), "classes": _Classes()}
