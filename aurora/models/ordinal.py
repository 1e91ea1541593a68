"""The arithmetic of ordered classes: one score a row leans class probabilities towards better classes.

The adjacent-category logit model (Agresti, Analysis of Ordinal Categorical Data, 2010, ch. 4): the log-odds of
a class against the next worse one are those of the start plus the score.
"""

from __future__ import annotations

import numpy as np

from aurora.models.metrics import Floats, Ints

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
    class, and no table of probabilities.
    """

    def __init__(self, start: Floats, target: Ints) -> None:
        self._columns = np.ascontiguousarray(start.T)
        self._target = target
        self._log_of_target = np.log(start[np.arange(len(target)), target])

    def left_over(self, score: Floats) -> tuple[Floats, Floats]:
        """As `left_over(leaned(start, score), target)`."""
        total, first, second = self._moments(score)
        mean = first / total
        return self._target - mean, np.maximum(second / total - mean**2, LEAST_CURVATURE)

    def log_loss(self, score: Floats) -> float:
        """As `log_loss(leaned(start, score), target)`."""
        total, _, _ = self._moments(score)
        return float((np.log(total) - self._log_of_target - self._target * _bounded(score)).mean())

    def _moments(self, score: Floats) -> tuple[Floats, Floats, Floats]:
        """Sums over the classes of their weight, and of it times their number and its square."""
        lean = np.exp(_bounded(score))
        total, first, second = self._columns[0].copy(), np.zeros(len(lean)), np.zeros(len(lean))
        power = lean.copy()
        for number, column in enumerate(self._columns[1:], start=1):
            weight = column * power
            total += weight
            first += number * weight
            second += number**2 * weight
            power *= lean
        return total, first, second


def _bounded(score: Floats) -> Floats:
    """Within what a power of its exponential can hold; the classes are certain long before."""
    # As np.clip, which for one value takes much longer.
    return np.minimum(np.maximum(score, -100.0), 100.0)


def log_loss(probabilities: Floats, target: Ints) -> float:
    """Mean of −log(probability of the class that came)."""
    return float(-np.log(probabilities[np.arange(len(target)), target]).mean())
