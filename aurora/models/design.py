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
from aurora.models.ordinal import softmax


@dataclass(frozen=True, eq=False)
class Centring:
    """Where in a table the features are, and which of them are centred on which column."""

    features: int
    """So many columns of the table are features, the first ones; the others are there to be centred on."""
    taken: Ints
    """The columns of the table that a design begins as: the features, and those to be centred."""
    on: Ints

    @classmethod
    def of(cls, columns: Sequence[str], features: Sequence[str], centred: Sequence[Centred]) -> Centring:
        """That of a table with one column per name in `columns`."""
        place = {name: number for number, name in enumerate(columns)}
        return cls(
            len(features),
            np.array([*range(len(features)), *(place[entry.feature] for entry in centred)], dtype=np.int64),
            np.array([place[entry.centre] for entry in centred], dtype=np.int64),
        )

    def design(self, table: Floats) -> Floats:
        """The features followed by the centred columns."""
        design = table.take(self.taken, axis=1)
        design[:, self.features :] -= table.take(self.on, axis=1)
        return design


def column_owners(features: Sequence[str], centred: Sequence[Centred]) -> Ints:
    """For each column of the design matrix the number of the feature that it speaks for."""
    place = {name: number for number, name in enumerate(features)}
    return np.array([*range(len(features)), *(place[entry.feature] for entry in centred)], dtype=np.int64)


@dataclass(frozen=True)
class ClassStart:
    """How a person's history becomes the class probabilities that a booster starts from.

    Smooth: a normal distribution around the person's level, on the values of the classes. Or the person's own
    shares, drawn a little towards everybody's, so that no class is impossible. Where ratings are fine and move a
    lot the smooth start serves best; where they are coarse and many people hardly move, the shares tell more.
    Which it is, is chosen in training.
    """

    spread: float | None = None
    """Standard deviation of the normal, in the unit of the level; None starts from the shares."""
    prior_weight: float = 0.1
    """How far the shares are drawn to everybody's, 0 to 1."""

    def of(self, level: Floats, values: Floats, shares: Floats, prior: Floats) -> Floats:
        """One probability per row and class; all of a row NaN where what it starts from is not known.

        `level` has one value per row, `shares` a column per class, `values` and `prior` a value per class.
        """
        if self.spread is not None:
            # Its logarithm is a parabola: leaning it towards better classes moves it and keeps its shape.
            return softmax(-0.5 * ((values[None, :] - level[:, None]) / self.spread) ** 2)
        total = shares.sum(axis=1, keepdims=True)
        own = shares / np.where(total > 0, total, np.nan)
        return (1 - self.prior_weight) * own + self.prior_weight * prior


def class_numbers(valence: Floats) -> Ints:
    """The class of each valence by the versioned cut, as a number from worst (0) to best."""
    above = [valence >= mood.low if mood.has_low else valence > mood.low for mood in MOOD_CLASSES[1:]]
    return np.stack(above).sum(axis=0).astype(np.int64)
