"""What a booster sees: the features, the same features centred on the person, and the baseline it starts
from.

Training and prediction both come through here, so that they cannot disagree. Missing values stay missing
(NaN).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aurora.events.mood_classes import MOOD_CLASSES
from aurora.models.catalogue import Centred
from aurora.models.metrics import Floats, Ints


def design_matrix(raw: Floats, features: Sequence[str], centred: Sequence[Centred]) -> Floats:
    """The features followed by the centred columns. `raw` has one column per feature, in that order."""
    if not centred:
        return raw
    place = {name: number for number, name in enumerate(features)}
    differences = [raw[:, place[entry.feature]] - raw[:, place[entry.centre]] for entry in centred]
    return np.column_stack([raw, *differences])


def column_owners(features: Sequence[str], centred: Sequence[Centred]) -> Ints:
    """For each column of the design matrix the number of the feature that it speaks for."""
    place = {name: number for number, name in enumerate(features)}
    return np.array([*range(len(features)), *(place[entry.feature] for entry in centred)], dtype=np.int64)


@dataclass(frozen=True)
class ClassStart:
    """How a person's history becomes the class probabilities that a booster starts from.

    A mixture: a normal distribution around the person's level, on the values of the classes; the person's own
    shares; and the shares of everybody, so that no class is impossible. Where ratings are fine and move a lot,
    the smooth part serves best; where they are coarse and many people hardly move, the shares tell more. Which
    is chosen in training, by how well the booster does from it.
    """

    spread: float = 0.3
    """Standard deviation of the normal, in the unit of the level."""
    shares_weight: float = 1.0
    """Weight of the own shares against the normal."""
    prior_weight: float = 0.1
    """Weight of everybody's shares against the other two."""

    def of(self, level: Floats, values: Floats, shares: Floats, prior: Floats) -> Floats:
        """One probability per row and class. Rows without level or shares are NaN.

        `level` has one value per row, `shares` a column per class, `values` and `prior` a value per class.
        """
        total = shares.sum(axis=1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            own = np.where(total > 0, shares / total, np.nan)
        mixed = self.shares_weight * own + (1 - self.shares_weight) * self._around(level, values)
        return (1 - self.prior_weight) * mixed + self.prior_weight * prior[None, :]

    def _around(self, level: Floats, values: Floats) -> Floats:
        # Its logarithm is a parabola: leaning it towards better classes moves it and keeps its shape.
        return softmax(-0.5 * ((values[None, :] - level[:, None]) / self.spread) ** 2)


def softmax(scores: Floats) -> Floats:
    """Probabilities of raw scores, row by row."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def class_numbers(valence: Floats) -> Ints:
    """The class of each valence by the versioned cut, as a number from worst (0) to best."""
    above = [valence >= mood.low if mood.has_low else valence > mood.low for mood in MOOD_CLASSES[1:]]
    return np.stack(above).sum(axis=0).astype(np.int64)
