from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, f1_score, log_loss, r2_score

from aurora.models.metrics import (
    class_metrics,
    mean_calibration_table,
    ranked_probability_score,
    regression_metrics,
    within_user_correlation,
)


def test_regression_metrics_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    observed, users = rng.normal(6, 2, 200), rng.integers(0, 9, 200)
    predicted = observed + rng.normal(0, 1, 200)

    metrics = regression_metrics(observed, predicted, users)

    assert metrics["mae"] == pytest.approx(np.abs(observed - predicted).mean())
    assert metrics["r2"] == pytest.approx(r2_score(observed, predicted))
    assert metrics["r2_within"] < metrics["r2"]


def test_class_metrics_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    observed = rng.integers(0, 5, 300)
    probabilities = rng.dirichlet(np.ones(5), 300)
    predicted = probabilities.argmax(axis=1)

    metrics = class_metrics(observed, probabilities)

    assert metrics["macro_f1"] == pytest.approx(f1_score(observed, predicted, average="macro"))
    assert metrics["qwk"] == pytest.approx(cohen_kappa_score(observed, predicted, weights="quadratic"))
    assert metrics["log_loss"] == pytest.approx(log_loss(observed, probabilities, labels=range(5)), abs=1e-3)


def test_a_certain_miss_by_two_classes_costs_more_than_by_one() -> None:
    observed = np.array([0, 0, 0])
    forecasts = np.eye(5)[[0, 1, 2]]

    right, near, far = ranked_probability_score(observed, forecasts)

    assert right == 0
    assert 0 < near < far


def test_knowing_only_who_somebody_is_gives_no_correlation_within_people() -> None:
    users = np.repeat([0, 1], 50)
    observed = users * 3.0 + np.random.default_rng(0).normal(size=100)
    predicted = users * 3.0

    assert within_user_correlation(observed, predicted, users) is None


def test_calibration_by_steps_tells_the_means_and_how_many_are_behind_them() -> None:
    predicted = np.array([0.2, 0.4, 2.5])
    observed = np.array([1.0, 0.0, 3.0])

    assert mean_calibration_table(observed, predicted, width=1.0) == [
        (pytest.approx(0.3), 0.5, 2),
        (2.5, 3.0, 1),
    ]
