"""The arithmetic of ordered classes: one score a row leans class probabilities towards better classes.

The adjacent-category logit model (Agresti, Analysis of Ordinal Categorical Data, 2010, ch. 4): the log-odds of
a class against the next worse one are those of the start plus the score.
"""

from __future__ import annotations

from collections.abc import Iterator

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
        self._target = target.astype(np.float32)
        self._log_of_target = np.log(start[np.arange(len(target)), target])

    def left_over(self, score: Floats) -> tuple[SingleFloats, SingleFloats]:
        """As `left_over(leaned(start, score), target)`."""
        pull, curvature = np.empty((2, len(score)), dtype=np.float32)
        for part, total, first, second in self._moments(score):
            mean = np.divide(first, total, out=first)
            mean_square = np.divide(second, total, out=second)
            variance = np.subtract(mean_square, np.square(mean), out=mean_square)
            np.maximum(variance, LEAST_CURVATURE, out=curvature[part])
            mean += self._middle
            np.subtract(self._target[part], mean, out=pull[part])
        return pull, curvature

    def log_loss(self, score: Floats) -> float:
        """As `log_loss(leaned(start, score), target)`."""
        log_of_total = np.empty(len(score))
        for part, total, _, _ in self._moments(score):
            np.log(total, out=log_of_total[part])
        from_the_middle = self._target - self._middle
        return float((log_of_total - self._log_of_target - from_the_middle * self._bounded(score)).mean())

    def _moments(self, score: Floats) -> Iterator[tuple[slice, SingleFloats, SingleFloats, SingleFloats]]:
        """Sums over the classes of their weight, and of it times their number and its square, both counted from the
        middle: a block of rows each time, in arrays that the next block overwrites.
        """
        scratch = np.empty((7, min(self._block, len(score))), dtype=np.float32)
        for begin in range(0, len(score), self._block):
            part = slice(begin, begin + self._block)
            columns = self._columns[:, part]
            lean, power, weight, share, total, first, second = scratch[:, : columns.shape[1]]
            bounded = self._bounded(score[part])
            np.exp(bounded, out=lean)
            np.exp(-self._middle * bounded, out=power)
            total[:] = first[:] = second[:] = 0.0
            for number, column in enumerate(columns):
                away = number - self._middle
                if number:
                    power *= lean
                np.multiply(column, power, out=weight)
                total += weight
                first += np.multiply(away, weight, out=share)
                second += np.multiply(away**2, weight, out=share)
            yield part, total, first, second

    def _bounded(self, score: Floats) -> SingleFloats:
        """Within what a power of its exponential can hold in single precision."""
        most = 80.0 / self._middle
        return np.minimum(np.maximum(score, -most), most).astype(np.float32)


def _bounded(score: Floats) -> Floats:
    """Within what a power of its exponential can hold; the classes are certain long before."""
    # As np.clip, which for one value takes much longer.
    return np.minimum(np.maximum(score, -100.0), 100.0)


def log_loss(probabilities: Floats, target: Ints) -> float:
    """Mean of −log(probability of the class that came)."""
    return float(-np.log(probabilities[np.arange(len(target)), target]).mean())
