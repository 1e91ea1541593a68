"""From the vectors of people at a moment to rows that are stored, kept and shown.

Whoever predicts comes through here: the night's batch, the streams and the API.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from aurora.features.catalogue import FEATURES, Feature, vector_names
from aurora.features.vector import Moment
from aurora.models.catalogue import ModelSpec
from aurora.predictions.baseline import predict_from_baseline
from aurora.predictions.prediction import Prediction
from aurora.predictions.predictor import Predictor, Vector
from aurora.predictions.storage import PredictionRow
from aurora.telemetry import PREDICTION_DURATION

Origin = Literal["api", "batch", "live"]


@dataclass(frozen=True)
class Asked:
    """A person, the moment that they are predicted for, and what is known of them then."""

    user_id: UUID
    moment: Moment
    vector: Vector


def features_of(spec: ModelSpec, predictor: Predictor | None) -> list[Feature]:
    """What a vector must have for this predictor, or for the baseline where there is none."""
    names = vector_names(spec.feature_set) if predictor is None else predictor.metadata.columns
    # A version that was trained before a feature was given up takes it for missing.
    return [FEATURES[name] for name in names if name in FEATURES]


def predict_rows(
    spec: ModelSpec, predictor: Predictor | None, asked: Sequence[Asked], *, origin: Origin
) -> list[PredictionRow]:
    """One row for each who is asked, in their order: what the predictor says, or the baseline without one."""
    with PREDICTION_DURATION.labels(spec.name).time():
        predictions = _predictions(spec, predictor, asked)
    return [
        PredictionRow(
            user_id=one.user_id,
            as_of=one.moment.as_of,
            local_date=one.moment.local_date,
            origin=origin,
            prediction=prediction,
            features=one.vector,
        )
        for one, prediction in zip(asked, predictions, strict=True)
    ]


def _predictions(spec: ModelSpec, predictor: Predictor | None, asked: Sequence[Asked]) -> list[Prediction]:
    if predictor is None:
        return [predict_from_baseline(spec, one.vector) for one in asked]
    return predictor.predict_many([one.vector for one in asked], [one.user_id for one in asked])
