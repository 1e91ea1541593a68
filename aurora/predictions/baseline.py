"""Answers without a trained model: the person's own baseline, and honest silence without a history."""

from __future__ import annotations

import numpy as np

from aurora.models.catalogue import ModelSpec
from aurora.models.design import ClassStart
from aurora.predictions.prediction import Prediction
from aurora.predictions.predictor import Vector

UNTRAINED = ClassStart(prior_weight=0.1)
"""Without training rows nothing is known of spreads: the own shares answer, drawn a little towards even."""


def predict_from_baseline(spec: ModelSpec, vector: Vector) -> Prediction:
    """The baseline of this vector as a prediction: `model_source` is "baseline", or "none" when nothing is
    known.

    Without a model there are no held-out days to calibrate on, so there is no interval.
    """
    columns = [vector.get(name) for name in spec.baseline_columns]
    if not columns or any(value is None for value in columns):
        return _from_prior_feature(spec, vector)
    if spec.kind == "regression":
        return _answer(spec, float(columns[0] or 0.0), spec.baseline_name)
    shares = np.array([columns], dtype=np.float64)
    if not shares.sum() > 0:
        return _nobody(spec)
    uniform = np.full(len(spec.classes), 1 / len(spec.classes))
    stated = UNTRAINED.of(np.zeros(1), np.array(spec.class_values), shares, uniform)[0]
    return _answer(
        spec,
        float(stated @ np.array(spec.class_values)),
        spec.baseline_name,
        class_name=spec.classes[int(stated.argmax())],
        probabilities=dict(zip(spec.classes, map(float, stated), strict=True)),
    )


def _from_prior_feature(spec: ModelSpec, vector: Vector) -> Prediction:
    value = vector.get(spec.prior_column) if spec.prior_column else None
    return _nobody(spec) if value is None else _answer(spec, float(value), spec.prior_column)


def _answer(
    spec: ModelSpec,
    value: float,
    name: str | None,
    class_name: str | None = None,
    probabilities: dict[str, float] | None = None,
) -> Prediction:
    return Prediction(
        model_name=spec.name,
        model_version=None,
        model_source="baseline",
        value=min(max(value, spec.scale[0]), spec.scale[1]),
        lower=None,
        upper=None,
        baseline=value,
        baseline_name=name,
        class_name=class_name,
        probabilities=probabilities,
    )


def _nobody(spec: ModelSpec) -> Prediction:
    return Prediction(
        model_name=spec.name,
        model_version=None,
        model_source="none",
        value=None,
        lower=None,
        upper=None,
        baseline=None,
        baseline_name=None,
    )
