"""Leaving people out: how a recipe does for those whom it was not trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from aurora.models.folds import FoldPlan, rolling_origin
from aurora.models.metrics import Ints
from pipelines.training import new_people
from pipelines.training.evaluation import evaluate
from pipelines.training.fitting import Fitted
from pipelines.training.new_people import evaluate_new_people, metrics_of_new_people
from pipelines.training.rows import TrainingRows
from tests.pipelines.training.made_up_rows import PLAN, some_rows

FOUR_WEEKS = FoldPlan(held_out_days=28, step_days=7)


def test_nobody_is_judged_by_a_model_that_was_trained_on_them(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = some_rows()
    trained: list[set[int]] = []
    fit = new_people.fit

    def watched(rows: TrainingRows, chosen: Ints, **options: Any) -> Fitted | None:
        trained.append(set(rows.users[chosen].tolist()))
        return fit(rows, chosen, **options)

    monkeypatch.setattr(new_people, "fit", watched)

    judged = evaluate_new_people(rows, FOUR_WEEKS)

    assert judged is not None
    folds = list(rolling_origin(rows.as_of, rows.known_at, FOUR_WEEKS))
    asked = [set(judged.users[np.isin(judged.number, fold.test)].tolist()) for fold in folds]
    assert len(trained) == len(folds) == 4
    assert all(not met & new for met, new in zip(trained, asked, strict=True))
    assert sorted(user for new in asked for user in new) == list(range(12)), "each of them is new once"


def test_new_people_are_judged_on_the_held_out_days_and_beside_the_same_baselines() -> None:
    rows = some_rows()
    held_out, judged = evaluate(rows, PLAN), evaluate_new_people(rows, PLAN)
    assert held_out is not None
    assert judged is not None

    metrics = metrics_of_new_people(judged)

    assert set(judged.number.tolist()) <= set(held_out.number.tolist())
    assert judged.baselines == held_out.baselines
    assert {f"new_people_mae/{name}" for name in ("model", *held_out.baselines)} <= set(metrics)
    assert metrics["new_people_mae/model"] < metrics["new_people_mae/ewma"]
    assert (
        metrics["new_people_lift/lower"] < metrics["new_people_lift/mean"] < metrics["new_people_lift/upper"]
    )


def test_the_same_people_are_left_out_each_time() -> None:
    one, again = evaluate_new_people(some_rows(), PLAN), evaluate_new_people(some_rows(), PLAN)

    assert one is not None
    assert again is not None
    assert (one.number == again.number).all()
    assert (one.answers["model"] == again.answers["model"]).all()


def test_with_too_little_to_train_on_nothing_is_said_of_new_people() -> None:
    assert evaluate_new_people(some_rows(people=2, days=40), PLAN) is None
