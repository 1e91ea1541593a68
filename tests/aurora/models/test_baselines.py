from __future__ import annotations

import numpy as np
import pytest

from aurora.models.baselines import DAY_SECONDS, class_baselines, regression_baselines


def a_history(values: list[float], *, known_after_days: float = 0.1) -> dict[str, np.ndarray]:
    days = np.arange(len(values), dtype=float)
    return {
        "users": np.zeros(len(values), dtype=np.int64),
        "as_of": days * DAY_SECONDS,
        "known_at": (days + known_after_days) * DAY_SECONDS,
        "values": np.array(values, dtype=float),
    }


def test_baselines_use_only_what_came_before() -> None:
    answers = regression_baselines(**a_history([2, 4, 9, 5]), rows=np.array([3]), global_mean=7.0)

    assert answers["user_mean"][0] == 5
    assert answers["user_median"][0] == 4
    assert answers["last"][0] == 9


def test_a_label_that_became_known_later_does_not_count() -> None:
    history = a_history([2, 4, 9, 5], known_after_days=1.5)

    answers = regression_baselines(**history, rows=np.array([3]), global_mean=7.0)

    assert answers["last"][0] == 4


def test_without_any_history_the_global_mean_answers() -> None:
    answers = regression_baselines(**a_history([2, 4]), rows=np.array([0]), global_mean=7.0)

    assert {float(answer[0]) for answer in answers.values()} == {7.0}


def test_the_mean_of_seven_days_forgets_the_eighth() -> None:
    answers = regression_baselines(**a_history([9, *[1] * 9, 0]), rows=np.array([10]), global_mean=7.0)

    assert answers["mean_7d"][0] == 1
    assert answers["user_mean"][0] == pytest.approx(1.8)


def test_the_majority_of_seven_prefers_the_latest_of_equals() -> None:
    history = a_history([0, 4, 4, 2, 2, 1, 3, 0])
    history["classes"] = history.pop("values").astype(np.int64)

    answers = class_baselines(**history, rows=np.array([7]), count=5, majority=3)

    assert answers["majority_of_last_7"][0].argmax() == 2
    assert answers["last"][0].argmax() == 3
    assert answers["majority"][0].argmax() == 3


def test_people_are_kept_apart() -> None:
    history = a_history([1, 2, 8, 9])
    history["users"] = np.array([0, 1, 0, 1])

    answers = regression_baselines(**history, rows=np.array([2, 3]), global_mean=5.0)

    assert answers["last"].tolist() == [1, 2]
