"""The arithmetic of ordered classes: one score a row leans class probabilities towards better classes.

The adjacent-category logit model (Agresti, Analysis of Ordinal Categorical Data, 2010, ch. 4): the log-odds of
a class against the next worse one are those of the start plus the score.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from aurora.models.metrics import Floats, Ints

SingleFloats = npt.NDArray[np.float32]

LEAST_CURVATURE = 1e-3
"""A floor keeps rows that are sure of their class from ruling a fit."""


def softmax(scores: Floats) -> Floats:
    """Probabilities of raw scores, row by row."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def leaned(start: Floats, score: Floats) -> Floats:
    """The probabilities `start` with the log-odds of each class against the next worse one raised by `score`."""
    weights = start * np.exp(_bounded(score)[:, None] * np.arange(start.shape[1]))
    return weights / weights.sum(axis=1, keepdims=True)


def left_over(probabilities: Floats, target: Ints) -> tuple[Floats, Floats]:
    """How far each row's class lies above the expected one, and the variance of its class number.

    They are the slope of the log-likelihood in the score, and its curvature with the sign turned.
    """
    levels = np.arange(probabilities.shape[1])
    mean = probabilities @ levels
    return target - mean, np.maximum(probabilities @ levels**2 - mean**2, LEAST_CURVATURE)


class _Block(NamedTuple):
    """Some of the rows, with sums over the classes, whose numbers are counted from the middle one."""

    part: slice
    score: SingleFloats
    """Within bounds."""
    total: SingleFloats
    """Of the weights of the classes."""
    first: SingleFloats
    """Of each weight times the number of its class."""
    second: SingleFloats
    """Of each weight times the square of that number."""


class LeanedStart:
    """One start, leaned again and again while trees are fitted on it: with one exponential a row instead of one a
    class, no table of probabilities, and no array of all rows but the answers. In single precision, in which the
    library takes them: twice as many fit into a register.

    `block` rows at a time, which changes nothing of the answers: what is computed of so many stays in the cache, more
    than twice as fast as all rows at once.
    """

    def __init__(self, start: Floats, target: Ints, *, block: int = 16_384) -> None:
        self._block = block
        self._columns = np.ascontiguousarray(start.T, dtype=np.float32)
        self._middle = (len(self._columns) - 1) / 2
        self._from_the_middle = (target - self._middle).astype(np.float32)
        self._log_of_target = np.log(start[np.arange(len(target)), target])

    def left_over(self, score: Floats) -> tuple[SingleFloats, SingleFloats]:
        """As `left_over(leaned(start, score), target)`."""
        pull, curvature = np.empty((2, len(score)), dtype=np.float32)
        for block in self._blocks(score):
            mean = np.divide(block.first, block.total, out=block.first)
            variance = np.divide(block.second, block.total, out=block.second)
            variance -= np.square(mean, out=block.total)
            np.maximum(variance, LEAST_CURVATURE, out=curvature[block.part])
            np.subtract(self._from_the_middle[block.part], mean, out=pull[block.part])
        return pull, curvature

    def log_loss(self, score: Floats) -> float:
        """As `log_loss(leaned(start, score), target)`."""
        loss = np.negative(self._log_of_target)
        for block in self._blocks(score):
            loss[block.part] += np.log(block.total)
            loss[block.part] -= self._from_the_middle[block.part] * block.score
        return float(loss.mean())

    def _blocks(self, score: Floats) -> Iterator[_Block]:
        """All rows, in arrays that the next block overwrites.

        Two classes as far from the middle have the sum and the difference of their weights in common.
        """
        scratch = np.empty((9, min(self._block, len(score))), dtype=np.float32)
        # So far single precision holds the powers of all classes.
        most = 80.0 / max(self._middle, 1.0)
        pairs, has_middle = divmod(len(self._columns), 2)
        for begin in range(0, len(score), self._block):
            part = slice(begin, begin + self._block)
            columns = self._columns[:, part]
            bounded, lean, power, better, worse, both, *sums = scratch[:, : columns.shape[1]]
            total, first, second = sums
            np.minimum(np.maximum(score[part], -most), most, out=bounded, casting="same_kind")
            np.exp(bounded, out=lean)
            power[:] = 1.0 if has_middle else 1.0 / np.sqrt(lean)
            total[:] = columns[pairs] if has_middle else 0.0
            first[:] = second[:] = 0.0
            for number in reversed(range(pairs)):
                away = self._middle - number
                power *= lean
                np.multiply(columns[-1 - number], power, out=better)
                np.divide(columns[number], power, out=worse)
                total += np.add(better, worse, out=both)
                second += np.multiply(both, away**2, out=both)
                first += np.multiply(np.subtract(better, worse, out=better), away, out=better)
            yield _Block(part, bounded, total, first, second)


def _bounded(score: Floats) -> Floats:
    """Within what a power of its exponential can hold; the classes are certain long before."""
    # As np.clip, which for one value takes much longer.
    return np.minimum(np.maximum(score, -100.0), 100.0)


def log_loss(probabilities: Floats, target: Ints) -> float:
    """Mean of −log(probability of the class that came)."""
    return float(-np.log(probabilities[np.arange(len(target)), target]).mean())
