from __future__ import annotations

import pytest

from aurora.models.catalogue import ENERGY, MODELS, MOOD, ModelSpec
from aurora.predictions.baseline import predict_from_baseline


def test_without_a_model_the_persons_own_baseline_answers_and_says_so() -> None:
    prediction = predict_from_baseline(ENERGY, {"energy_ewma_28d": 6.5})

    assert prediction.model_source == "baseline"
    assert (prediction.value, prediction.baseline_name) == (6.5, "ewma")
    assert prediction.model_version is None
    assert prediction.lower is None


def test_without_ratings_the_three_process_model_answers_for_energy() -> None:
    prediction = predict_from_baseline(ENERGY, {"energy_prior_three_process": 5.2})

    assert (prediction.value, prediction.baseline_name) == (5.2, "energy_prior_three_process")


@pytest.mark.parametrize("spec", MODELS.values(), ids=lambda spec: spec.name)
def test_without_anything_known_nobody_answers(spec: ModelSpec) -> None:
    prediction = predict_from_baseline(spec, {})

    assert prediction.model_source == "none"
    assert prediction.value is None


def test_mood_shares_are_answered_with_no_class_impossible() -> None:
    shares = dict(zip(MOOD.baseline_columns, (0.0, 0.0, 0.2, 0.8, 0.0), strict=True))

    prediction = predict_from_baseline(MOOD, shares)

    assert prediction.class_name == "positive"
    assert prediction.probabilities is not None
    assert min(prediction.probabilities.values()) > 0
    assert 0.2 < (prediction.value or 0) < 0.4
