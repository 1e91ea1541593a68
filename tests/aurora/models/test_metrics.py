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


def test_a_ranked_probability_score_is_that_of_a_calculation_by_hand() -> None:
    """Of the middle of five classes: cumulated 0.1, 0.3, 0.7, 0.9 where 0, 0, 1, 1 came."""
    score = ranked_probability_score(np.array([2]), np.array([[0.1, 0.2, 0.4, 0.2, 0.1]]))

    assert score == pytest.approx((0.1**2 + 0.3**2 + 0.3**2 + 0.1**2) / 4)


def test_a_certain_miss_by_all_classes_scores_one() -> None:
    assert ranked_probability_score(np.array([0]), np.eye(5)[[4]]) == pytest.approx(1.0)


def test_within_one_counts_hits_and_neighbours_on_both_sides() -> None:
    observed = np.array([2, 2, 2, 2, 2])

    metrics = class_metrics(observed, np.eye(5)[[0, 1, 2, 3, 4]])

    assert metrics["within_1"] == pytest.approx(3 / 5)
    assert metrics["accuracy"] == pytest.approx(1 / 5)


def test_probabilities_that_come_true_have_no_calibration_error_and_sure_ones_that_miss_have_one() -> None:
    observed = np.array([0] * 7 + [1] * 3)

    kept = class_metrics(observed, np.tile([0.7, 0.3], (10, 1)))
    too_sure = class_metrics(observed, np.tile([1.0, 0.0], (10, 1)))

    assert kept["calibration_error"] == pytest.approx(0)
    assert too_sure["calibration_error"] == pytest.approx(0.3)


def test_predictions_that_exaggerate_have_a_calibration_error() -> None:
    predicted = np.linspace(0, 10, 101)
    users = np.zeros(101, dtype=np.int64)

    assert regression_metrics(predicted, predicted, users)["calibration_error"] == pytest.approx(0)
    halved = regression_metrics(5 + (predicted - 5) / 2, predicted, users)
    assert halved["calibration_error"] == pytest.approx(1.25, abs=0.05)


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
