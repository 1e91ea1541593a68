from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from aurora.models.catalogue import ENERGY, MOOD
from aurora.models.drift import FEWEST_PEOPLE as FEWEST_MEASURED
from aurora.models.drift import Served, measure_drift
from aurora.models.folds import FoldPlan
from aurora.models.reference import PREDICTION
from aurora.predictions.artifact import unpack, unpack_halves
from aurora.predictions.predictor import Predictor
from pipelines.training.candidate import build_candidate, judge_candidate, losses_of_champion
from pipelines.training.champion import Champion
from pipelines.training.evaluation import HeldOut, evaluate, honest_coverage, metrics_of, slices_of
from pipelines.training.fitting import fit
from pipelines.training.halves import FEWEST_PEOPLE, HALVES, with_halves
from tests.pipelines.training.made_up_rows import PLAN, some_rows
from tests.pipelines.training.soccermon import soccermon_rows


@cache
def judged() -> HeldOut:
    held_out = evaluate(some_rows(), PLAN)
    assert held_out is not None
    return held_out


def test_the_model_stands_beside_every_baseline_under_the_same_metric() -> None:
    names = {"model", "ewma", "global_mean", "user_mean", "user_median", "last", "mean_7d"}

    assert names <= set(judged().answers)
    assert {frozenset(metrics_of(judged(), name)) for name in names - {"global_mean"}} == {
        frozenset({"mae", "rmse", "r2", "r2_within", "r_within"})
    }


def test_a_feature_that_nobody_has_is_no_baseline() -> None:
    assert "three_process" not in judged().answers


def test_every_held_out_rating_is_judged_once() -> None:
    labels = judged().rows.labels(judged().number)

    assert len(set(labels)) == len(labels) == 12 * 14


def test_people_without_history_are_counted_and_not_judged() -> None:
    held_out = evaluate(some_rows(cold=3), PLAN)

    assert held_out is not None
    assert held_out.cold == 3 * 14
    assert len(held_out.number) == 9 * 14


def test_labels_that_arrive_late_are_trained_on_late() -> None:
    """With every label a month late the first folds have nothing to train on."""
    assert evaluate(some_rows(late=58), PLAN) is None


def test_slices_are_judged_by_tenure_coverage_and_persona() -> None:
    assert {"persona.owl", "persona.lark"} <= set(slices_of(judged()))


def test_intervals_are_judged_on_folds_that_they_were_not_calibrated_on() -> None:
    assert 0.8 < honest_coverage(judged())["coverage"] <= 1


def test_a_champion_is_compared_only_where_it_is_honest() -> None:
    rows, held_out = some_rows(), judged()
    candidate = build_candidate(rows, PLAN, held_out)
    assert candidate is not None
    trained_on_everything = Champion("1", Predictor.load(candidate.artifact), held_out_losses={})
    with_record = replace(
        trained_on_everything,
        held_out_losses=dict.fromkeys(rows.labels(held_out.number), 0.5),
    )

    losses = losses_of_champion(held_out, with_record)
    assert losses_of_champion(held_out, trained_on_everything) is None
    assert losses is not None
    assert set(losses.tolist()) == {0.5}
    assert judge_candidate(candidate, trained_on_everything, None).reference == held_out.best_baseline()
    assert judge_candidate(candidate, with_record, None).reference == "champion 1"


def test_an_artifact_knows_what_it_was_trained_on_and_carries_models_of_halves() -> None:
    rows = some_rows()
    candidate, again = build_candidate(rows, PLAN, judged()), build_candidate(rows, PLAN, judged())
    assert candidate is not None
    assert again is not None
    metadata, _ = unpack(candidate.artifact)

    slept = metadata.support["avg_sleep_last_7d"]
    nights = rows.table[:, list(metadata.columns).index("avg_sleep_last_7d")]
    assert nights.min() < slept.low < 350
    assert 550 < slept.high < nights.max()
    assert set(metadata.support) <= set(metadata.design_columns)
    assert "caffeine_active_1d" not in metadata.support, "nobody had any"
    assert len(unpack_halves(candidate.artifact)) == len(metadata.half_lines) == HALVES
    assert set(metadata.slope_spreads) <= set(metadata.design_columns)
    assert again.artifact == candidate.artifact


def test_an_artifact_carries_a_reference_by_which_its_own_rows_have_not_moved() -> None:
    rows = some_rows(people=FEWEST_MEASURED)
    held_out = evaluate(rows, PLAN)
    assert held_out is not None
    candidate = build_candidate(rows, PLAN, held_out)
    assert candidate is not None
    predictor = Predictor.load(candidate.artifact)
    reference = predictor.metadata.reference
    assert reference is not None
    people = [rows.people[user] for user in rows.users]
    values = {name: rows.table[:, place] for place, name in enumerate(predictor.metadata.columns)}
    values[PREDICTION] = predictor.answers(rows.table, people).values
    hours = np.full(len(rows), np.nan)

    found = measure_drift(
        reference, {name: Served(column, rows.users, hours) for name, column in values.items()}
    )

    assert {drift.column for drift in found} == set(values) - {"hour_of_day", "day_of_week", "is_weekend"}
    assert {drift.state for drift in found} == {"as_trained"}
    assert len(candidate.artifact) < 1.2 * len(candidate.fitted.with_(reference=None).pack())


def test_too_few_people_have_no_halves() -> None:
    rows = some_rows(people=FEWEST_PEOPLE - 1)
    chosen = np.arange(len(rows))
    fitted = fit(rows, chosen)
    assert fitted is not None

    without = with_halves(fitted, rows, chosen)
    assert without.halves == ()
    assert without.metadata.slope_spreads == {}


@pytest.mark.datasets
def test_on_athletes_readiness_the_residual_model_is_better_than_the_ewma_and_not_too_good(
    datasets: Path,
) -> None:
    rows = soccermon_rows(datasets / "soccermon" / "soccermon_daily.csv", ENERGY)
    held_out = evaluate(rows, FoldPlan(held_out_days=None, step_days=28))
    assert held_out is not None

    model, ewma = metrics_of(held_out, "model"), metrics_of(held_out, "ewma")

    assert len(rows) == 11_022
    assert ewma["mae"] == pytest.approx(0.764, abs=0.01)
    assert ewma["r2"] == pytest.approx(0.465, abs=0.01)
    # Tried independently: 0.70 to 0.72. Clearly below that is a leak, not a success.
    assert 0.68 < model["mae"] < 0.72
    assert 0.52 < model["r2"] < 0.58
    assert 0.88 <= honest_coverage(held_out)["coverage"] <= 0.92


@pytest.mark.datasets
def test_on_athletes_mood_the_model_gains_little_and_says_so(datasets: Path) -> None:
    rows = soccermon_rows(datasets / "soccermon" / "soccermon_daily.csv", MOOD)
    held_out = evaluate(rows, FoldPlan(held_out_days=None, step_days=28))
    assert held_out is not None

    model, ewma = metrics_of(held_out, "model"), metrics_of(held_out, "ewma")

    assert len(rows) == 11_026
    assert model["log_loss"] < ewma["log_loss"]
    assert abs(model["accuracy"] - ewma["accuracy"]) < 0.02
