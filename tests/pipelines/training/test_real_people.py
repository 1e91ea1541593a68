"""The recipes on ratings of real people: where the model is better, and where it has to say that it is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aurora.models.catalogue import ENERGY, MOOD
from aurora.models.folds import FoldPlan
from aurora.models.gate import LEAST_GAIN
from aurora.predictions.storage import read_predictor
from pipelines.prediction.batch import predict_cohort
from pipelines.training.candidate import build_candidate, judge_candidate
from pipelines.training.evaluation import HeldOut, evaluate, honest_coverage, metrics_of
from pipelines.training.model_card.contents import model_card
from pipelines.training.rows import TrainingRows
from pipelines.training.training import plan_for, train_model
from tests.pipelines.training.study_rows import study_rows
from tests.pipelines.training.warehouse import add_rows, add_tiles

pytestmark = pytest.mark.datasets

PLAN = FoldPlan(held_out_days=None, step_days=28)


@cache
def lifesnaps(datasets: Path) -> TrainingRows:
    return study_rows(datasets / "lifesnaps" / "daily_fitbit_sema_df_unprocessed.csv", "lifesnaps", MOOD)


def evaluated(rows: TrainingRows) -> HeldOut:
    held_out = evaluate(rows, PLAN)
    assert held_out is not None
    return held_out


def test_a_study_is_judged_as_the_daily_training_judges_it() -> None:
    assert plan_for("study") == PLAN


def test_on_athletes_readiness_the_residual_model_is_better_than_the_ewma_and_not_too_good(
    datasets: Path,
) -> None:
    rows = study_rows(datasets / "soccermon" / "soccermon_daily.csv", "soccermon", ENERGY)
    held_out = evaluated(rows)

    model, ewma = metrics_of(held_out, "model"), metrics_of(held_out, "ewma")

    assert len(rows) == 11_022
    assert ewma["mae"] == pytest.approx(0.764, abs=0.01)
    assert ewma["r2"] == pytest.approx(0.465, abs=0.01)
    assert model["mae"] <= 0.95 * ewma["mae"]
    assert model["r2"] > ewma["r2"]
    assert model["r2_within"] > ewma["r2_within"]
    # Tried independently: 0.70 to 0.72. Clearly below that is a leak, not a success.
    assert model["mae"] > 0.68
    assert 0.52 < model["r2"] < 0.58
    assert 0.88 <= honest_coverage(held_out)["coverage"] <= 0.92


def test_on_athletes_mood_the_model_gains_little_and_says_so(datasets: Path) -> None:
    rows = study_rows(datasets / "soccermon" / "soccermon_daily.csv", "soccermon", MOOD)
    held_out = evaluated(rows)

    model, ewma = metrics_of(held_out, "model"), metrics_of(held_out, "ewma")

    assert len(rows) == 11_026
    assert model["log_loss"] < ewma["log_loss"]
    assert abs(model["accuracy"] - ewma["accuracy"]) < 0.02


def test_on_dirty_wearable_days_the_gate_refuses_and_the_card_reports_no_skill(datasets: Path) -> None:
    rows = lifesnaps(datasets)
    held_out = evaluated(rows)
    candidate = build_candidate(rows, PLAN, held_out)
    assert candidate is not None

    judgement = judge_candidate(candidate, None, None)

    best = held_out.best_baseline()
    card = model_card(candidate, judgement, candidate.metrics, name="mood.lifesnaps")
    assert (len(rows), len(rows.people)) == (2_290, 63)
    assert not judgement.verdict.promoted
    assert judgement.lift.lower <= 0
    assert f"does not win against {best}" in judgement.verdict.reason
    assert card.standing.kind == "no_skill"
    assert card.standing.sentence.endswith("Ask the baseline instead.")
    assert metrics_of(held_out, "model")["r2_within"] < 0


def test_a_lucky_draw_of_the_training_makes_no_champion_of_dirty_wearable_days_either(datasets: Path) -> None:
    rows = replace(lifesnaps(datasets), spec=replace(MOOD, seed=MOOD.seed + 4))
    candidate = build_candidate(rows, PLAN, evaluated(rows))
    assert candidate is not None

    judgement = judge_candidate(candidate, None, None)

    assert judgement.lift.lower > 0, "this draw is not the lucky one of eight"
    assert judgement.lift.relative < LEAST_GAIN
    assert not judgement.verdict.promoted
    assert "wins too little" in judgement.verdict.reason


def test_people_of_a_study_without_a_champion_are_answered_by_their_baseline(
    connection: psycopg.Connection[Any], mlflow_uri: str, datasets: Path
) -> None:
    rows = lifesnaps(datasets)
    add_rows(connection, rows)
    add_tiles(connection)

    trained = train_model(connection, "mood", "lifesnaps", mlflow_uri=mlflow_uri)
    predicted = predict_cohort(connection, "mood", "lifesnaps", as_of=datetime.fromtimestamp(rows.until, UTC))

    sources = connection.execute("select distinct model_source from predictions.predictions").fetchall()
    assert trained.outcome == "refused", trained.sentences
    assert read_predictor(connection, "mood", "lifesnaps") is None
    assert (predicted.people > 0, predicted.by_model) == (True, 0)
    assert {source for (source,) in sources} <= {"baseline", "none"}
    assert ("baseline",) in sources
