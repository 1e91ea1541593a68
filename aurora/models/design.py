"""What a booster sees: the features, the same features centred on the person, and the baseline it starts
from.

Training and prediction both come through here, so that they cannot disagree. Missing values stay missing
(NaN).
"""

from __future__ import annotations

from collections.abc import Sequence

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


def smoothed_shares(shares: Floats, prior: Floats, weight: float) -> Floats:
    """Class shares drawn a little towards the prior, so that no class is impossible. NaN rows stay NaN.

    `weight` is the weight of the prior, between 0 and 1.
    """
    total = shares.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        own = np.where(total > 0, shares / total, np.nan)
    return (1 - weight) * own + weight * prior[None, :]


def softmax(scores: Floats) -> Floats:
    """Probabilities of raw scores, row by row."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def class_numbers(valence: Floats) -> Ints:
    """The class of each valence by the versioned cut, as a number from worst (0) to best."""
    above = [valence >= mood.low if mood.has_low else valence > mood.low for mood in MOOD_CLASSES[1:]]
    return np.stack(above).sum(axis=0).astype(np.int64)
