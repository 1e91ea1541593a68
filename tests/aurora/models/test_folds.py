from __future__ import annotations

import numpy as np

from aurora.models.baselines import DAY_SECONDS
from aurora.models.folds import FoldPlan, rolling_origin, training_rows

DAYS = np.repeat(np.arange(120.0), 5) * DAY_SECONDS


def test_every_held_out_day_is_judged_once_and_trained_on_never_before() -> None:
    folds = list(rolling_origin(DAYS, DAYS + 60, FoldPlan(held_out_days=28, step_days=7)))

    judged = np.concatenate([fold.test for fold in folds])
    assert len(folds) == 4
    assert len(judged) == len(set(judged.tolist())) == 28 * 5
    assert all(DAYS[fold.train].max() < fold.cut_off <= DAYS[fold.test].min() for fold in folds)


def test_a_label_that_had_not_arrived_at_the_cut_off_is_not_trained_on() -> None:
    known_at = DAYS + 3 * DAY_SECONDS

    fold = next(iter(rolling_origin(DAYS, known_at, FoldPlan())))

    assert known_at[fold.train].max() <= fold.cut_off


def test_the_training_window_has_a_length() -> None:
    rows = training_rows(DAYS, DAYS, cut_off=100 * DAY_SECONDS, window_days=90)

    assert DAYS[rows].min() == 10 * DAY_SECONDS


def test_without_a_limit_all_days_after_the_first_window_are_judged() -> None:
    folds = list(rolling_origin(DAYS, DAYS, FoldPlan(held_out_days=None, step_days=30)))

    assert sum(len(fold.test) for fold in folds) == (120 - 28) * 5


def test_too_little_to_train_on_gives_no_fold() -> None:
    assert list(rolling_origin(DAYS[:50], DAYS[:50], FoldPlan())) == []
    assert list(rolling_origin(np.array([]), np.array([]), FoldPlan())) == []
