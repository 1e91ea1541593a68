"""The interval of a difference: how far the truth of this person's day may lie from what the model says of a change.

Two things are in it. Another sample of as many people would have changed the answer: models of random halves of
the people say by how much. And an effect differs between people and between parts of the day, and the model may be
wrong about all of them: the slopes say by how much that were left over, held out (`aurora.models.slopes`).
"""

from __future__ import annotations

import numpy as np

from aurora.models.metrics import Floats
from aurora.models.targets import TARGETS
from aurora.predictions.artifact import ArtifactMetadata
from aurora.predictions.prediction import Prediction
from aurora.predictions.predictor import Predictor

T_90 = {6: 1.943}
"""Student's t, two-sided 90 %, by how many models of halves there are: deviations from one that is given."""


def reach_of_difference(
    predictor: Predictor, table: Floats, user_id: object, after: Prediction
) -> float | None:
    """How far the 90 % interval of the difference reaches to either side, in the unit of the answer.

    `table` has two rows of `metadata.columns`, the day without and with the changes; `after` is the answer to the
    second. None without models of halves.
    """
    halves = predictor.answers_of_halves(table, user_id)
    if len(halves) not in T_90:
        return None
    said = predictor.answers(table, [user_id, user_id], fallback=False).values
    chance = np.mean((halves[:, 1] - halves[:, 0] - (said[1] - said[0])) ** 2)
    before, changed = predictor.design(table)
    differing = _score(predictor.metadata, before, changed)
    return float(
        T_90[len(halves)] * np.hypot(np.sqrt(chance), _in_units(predictor.metadata, after, differing))
    )


def _score(metadata: ArtifactMetadata, before: Floats, after: Floats) -> float:
    """How far a score may lie from what the model says, because effects differ.

    Each column's slope is taken to differ by itself; what is missing counts as none of it.
    """
    distance = np.nan_to_num(after) - np.nan_to_num(before)
    spread = np.array([metadata.slope_spreads.get(name, 0.0) for name in metadata.design_columns])
    return float(np.sqrt(np.sum((distance * spread) ** 2)))


def _in_units(metadata: ArtifactMetadata, answer: Prediction, score: float) -> float:
    """By how much an answer moves when its score does: to either side, in its unit."""
    if metadata.kind == "regression":
        return score
    stated = np.array([list((answer.probabilities or {}).values())])
    lean = TARGETS["classes"].moved
    up, down = (lean(stated, np.array([each])) @ np.array(metadata.class_values) for each in (score, -score))
    return float((up - down)[0] / 2)
