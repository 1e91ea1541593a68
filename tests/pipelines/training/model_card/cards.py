"""Cards of made-up people, trained once a test session each."""

from __future__ import annotations

from functools import cache

from aurora.models.folds import FoldPlan
from pipelines.training.candidate import Candidate, Judgement, build_candidate, judge_candidate
from pipelines.training.evaluation import evaluate
from pipelines.training.model_card.contents import ModelCard, model_card
from pipelines.training.tracking import lift_metrics
from tests.pipelines.training.made_up_rows import PLAN, some_rows

CEILING = {"mae": 0.55, "r2": 0.9}
ONE_FOLD = FoldPlan(held_out_days=7, step_days=7)


@cache
def a_candidate(
    model: str = "energy", *, effect: float = 0.6, people: int = 12, plan: FoldPlan = PLAN
) -> Candidate:
    rows = some_rows(model, effect=effect, people=people)
    held_out = evaluate(rows, plan)
    assert held_out is not None
    candidate = build_candidate(rows, plan, held_out)
    assert candidate is not None
    return candidate


def judged(candidate: Candidate) -> Judgement:
    return judge_candidate(candidate, None, None)


def logged(candidate: Candidate, *, ceiling: bool = False) -> dict[str, float]:
    """What the run of a candidate logs; with a ceiling, as for simulated people."""
    best = {f"{name}/ceiling": value for name, value in CEILING.items()} | {"skill/mae": 0.9, "skill/r2": 0.8}
    return candidate.metrics | (best if ceiling else {}) | lift_metrics(judged(candidate))


def a_card(candidate: Candidate, *, ceiling: bool = False) -> ModelCard:
    return model_card(candidate, judged(candidate), logged(candidate, ceiling=ceiling), name="energy")
