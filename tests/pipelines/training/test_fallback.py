"""Who is served by the baseline: from held-out days to the answer that a person gets."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from aurora.models.folds import FoldPlan
from aurora.predictions.predictor import Predictor
from pipelines.training.candidate import Candidate, build_candidate
from pipelines.training.evaluation import evaluate
from pipelines.training.fallback import better_served_by_the_baseline
from pipelines.training.rows import TrainingRows
from tests.pipelines.training.made_up_rows import some_rows

FOUR_WEEKS = FoldPlan(held_out_days=28, step_days=7)
AGAINST = 11
"""The number of the person whom more sleep makes tired, against all others."""


@cache
def rows_of(model: str) -> TrainingRows:
    return some_rows(model, against=1, effect=1.2)


@cache
def candidate_of(model: str) -> Candidate:
    held_out = evaluate(rows_of(model), FOUR_WEEKS)
    assert held_out is not None
    candidate = build_candidate(rows_of(model), FOUR_WEEKS, held_out)
    assert candidate is not None
    return candidate


@pytest.mark.parametrize("model", ["energy", "mood"])
def test_whom_the_model_served_worse_on_held_out_days_is_answered_by_the_baseline(model: str) -> None:
    rows, predictor = rows_of(model), Predictor.load(candidate_of(model).artifact)

    sources = {}
    for user, person in enumerate(rows.people):
        row = rows.table[np.flatnonzero(rows.users == user)[-1]]
        vector = {
            name: None if np.isnan(value) else float(value)
            for name, value in zip(rows.spec.columns, row, strict=True)
        }
        sources[user] = predictor.predict(vector, user_id=person).model_source

    assert sources.pop(AGAINST) == "baseline"
    assert set(sources.values()) == {"model"}


@pytest.mark.parametrize("model", ["energy", "mood"])
def test_a_run_reports_what_people_would_have_been_told(model: str) -> None:
    candidate = candidate_of(model)
    loss = "mae" if model == "energy" else "rps"

    assert candidate.metrics[f"{loss}/served"] < candidate.metrics[f"{loss}/model"]
    assert "served" not in candidate.held_out.baselines


def test_what_is_served_is_decided_by_earlier_folds_alone() -> None:
    held_out = candidate_of("energy").held_out
    served, model = held_out.answers["served"], held_out.answers["model"]
    left = served != model

    assert not left[held_out.fold == held_out.fold.min()].any()
    assert set(held_out.users[left].tolist()) == {AGAINST}
    assert (served[left] == held_out.answers["ewma"][left]).all()


def test_a_person_with_few_ratings_is_not_left_to_the_baseline() -> None:
    held_out = candidate_of("energy").held_out
    few = held_out.fold == held_out.fold.min()

    assert AGAINST in better_served_by_the_baseline(held_out, held_out.rows.until)
    assert AGAINST not in better_served_by_the_baseline(held_out, held_out.rows.until, few)
