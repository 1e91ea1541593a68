from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from aurora.models.drift import FEWEST_PEOPLE as FEWEST_MEASURED
from aurora.models.drift import Served, measure_drift
from aurora.models.metrics import Floats
from aurora.models.reference import PREDICTION
from aurora.predictions.artifact import unpack, unpack_halves
from aurora.predictions.predictor import Predictor
from pipelines.training.candidate import build_candidate, judge_candidate, losses_of_champion
from pipelines.training.champion import Champion
from pipelines.training.evaluation import (
    HeldOut,
    evaluate,
    honest_coverage,
    metrics_by_answerer,
    metrics_of,
    metrics_without_history,
    slices_of,
)
from pipelines.training.fitting import fit
from pipelines.training.halves import FEWEST_PEOPLE, HALVES, with_halves
from pipelines.training.reevaluation import judge_version
from pipelines.training.rows import TrainingRows
from tests.pipelines.training.made_up_rows import PLAN, some_rows


@cache
def judged() -> HeldOut:
    held_out = evaluate(some_rows(), PLAN)
    assert held_out is not None
    return held_out


def test_the_model_stands_beside_every_baseline_under_the_same_metric() -> None:
    names = {"model", "ewma", "global_mean", "user_mean", "user_median", "last", "mean_7d"}

    assert names <= set(judged().answers)
    assert {frozenset(metrics_of(judged(), name)) for name in names - {"global_mean"}} == {
        frozenset({"mae", "rmse", "r2", "r2_within", "r_within", "calibration_error"})
    }


def test_a_feature_that_nobody_has_is_no_baseline() -> None:
    assert "three_process" not in judged().answers


def with_feature(rows: TrainingRows, name: str, values: Floats) -> TrainingRows:
    table = rows.table.copy()
    table[:, rows.spec.columns.index(name)] = values
    return replace(rows, table=table)


@cache
def partly_known() -> HeldOut:
    """Every second rating has a mean of its part of the day, every rating a prior of the Three-Process Model."""
    rows = some_rows(cold=3)
    even = np.arange(len(rows)) % 2 == 0
    rows = with_feature(rows, "energy_daypart_mean_28d", np.where(even, 6.0, np.nan))
    held_out = evaluate(with_feature(rows, "energy_prior_three_process", np.full(len(rows), 5.0)), PLAN)
    assert held_out is not None
    return held_out


def test_a_baseline_that_every_row_has_stands_among_the_others_under_its_own_name() -> None:
    assert "three_process" in partly_known().baselines
    assert set(partly_known().answers["three_process"].tolist()) == {5.0}


def test_a_baseline_that_some_rows_have_answers_for_these_alone_and_is_completed_under_another_name() -> None:
    held_out = partly_known()
    metrics = metrics_by_answerer(held_out)
    there = held_out.answered("daypart_mean")

    assert 0 < there.sum() < len(there)
    assert "daypart_mean" not in held_out.baselines
    assert "daypart_mean_or_user_mean" in held_out.baselines
    assert (held_out.answers["daypart_mean_or_user_mean"] == held_out.answers["user_mean"])[~there].all()
    assert "mae/daypart_mean" not in metrics
    errors = np.abs(held_out.values - 6.0)[there]
    assert metrics["slice_mae/where.daypart_mean/daypart_mean"] == pytest.approx(errors.mean())
    assert metrics["slice_mae/where.daypart_mean/model"] == pytest.approx(
        held_out.loss("model")[there].mean()
    )


def test_every_slice_has_the_model_beside_every_baseline() -> None:
    held_out = judged()
    metrics = metrics_by_answerer(held_out)

    for name, member in slices_of(held_out).items():
        for answerer in ("model", "served", *held_out.baselines):
            found = metrics[f"slice_mae/{name}/{answerer}"]
            assert found == pytest.approx(held_out.loss(answerer)[member].mean())


def test_the_first_two_weeks_of_a_person_are_a_slice_of_their_own() -> None:
    rows = some_rows(people=12, days=60)
    late = rows.users < 6
    keep = np.flatnonzero(~late | (rows.as_of >= 50 * 86_400))
    names = ("users", "label_ids", "is_instant", "as_of", "known_at", "values", "table")
    held_out = evaluate(replace(rows, **{name: getattr(rows, name)[keep] for name in names}), PLAN)
    assert held_out is not None

    newest = slices_of(held_out)["tenure.under_14d"]

    assert set(held_out.users[newest].tolist()) == set(range(6))


def test_rows_without_history_are_judged_by_what_is_said_in_place_of_a_model() -> None:
    cold = partly_known().without_history
    assert cold is not None
    metrics = metrics_without_history(cold)

    assert len(cold.number) == partly_known().cold == 3 * 14
    assert set(cold.answers) == {"global_mean", "three_process", "daypart_mean"}
    assert metrics["cold_mae/three_process"] == pytest.approx(np.abs(cold.values - 5.0).mean())
    assert metrics["cold_mae/global_mean"] < np.abs(cold.values).mean()
    assert {name for name in metrics if "where.daypart_mean" in name} == {
        f"cold_mae/where.daypart_mean/{name}" for name in ("global_mean", "three_process", "daypart_mean")
    }


def test_mood_without_history_is_judged_by_the_shares_of_everybody() -> None:
    held_out = evaluate(some_rows("mood", cold=3), PLAN)
    assert held_out is not None
    assert held_out.without_history is not None

    metrics = metrics_without_history(held_out.without_history)

    assert set(metrics) == {"cold_rps/global_mean", "cold_accuracy/global_mean"}


def test_a_mood_stands_beside_majorities_and_last_ratings_by_name() -> None:
    held_out = evaluate(some_rows("mood"), PLAN)
    assert held_out is not None

    assert set(held_out.baselines) == {
        "ewma", "global_mean", "majority", "user_majority", "last", "majority_of_last_7"
    }  # fmt: skip


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


def test_a_correction_is_no_rating_that_a_champion_had_not_seen() -> None:
    candidate = build_candidate(some_rows(), PLAN, judged())
    assert candidate is not None
    predictor = Predictor.load(candidate.artifact)
    labels = judged().rows.labels(judged().number)
    champion = Champion("1", predictor, held_out_losses=dict.fromkeys(labels, 0.5))
    corrected = judged().number[::2]
    known_at = judged().rows.known_at.copy()
    known_at[corrected] = champion.trained_until + 60
    since = replace(judged(), rows=replace(judged().rows, known_at=known_at))

    losses = losses_of_champion(since, champion)
    seen, coverage = judge_version(since.rows, predictor)

    assert losses is not None
    assert np.isnan(losses[::2]).all()
    assert set(losses[1::2].tolist()) == {0.5}
    assert (seen, coverage) == (None, {})


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
