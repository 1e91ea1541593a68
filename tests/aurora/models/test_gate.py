from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from aurora.models import gate
from aurora.models.gate import LARGEST_ARTIFACT_MB, LEAST_GAIN, SLOWEST_ANSWER_MS, Footprint, losing_slices
from aurora.models.lift import (
    Lift,
    error_by_user,
    lift_by_user,
    people_better_served,
    slice_lifts,
    user_lift,
)

SMALL = Footprint(megabytes=1, milliseconds=2)
judge = partial(gate.judge, footprint=SMALL, against_baseline=True)
BELIEVABLE = {"r2": 0.55, "r_within": 0.5, "mae": 0.7}
USERS = np.repeat(np.arange(40), 30)


def a_lift(gain: float, *, noise: float = 0.3, seed: int = 3, users: np.ndarray = USERS) -> Lift:
    rng = np.random.default_rng(seed)
    reference = np.abs(rng.normal(0.8, 0.2, len(users)))
    return user_lift(reference, reference - gain + rng.normal(0, noise, len(users)), users, seed=1)


def test_a_new_recipe_that_wins_is_promoted() -> None:
    verdict = judge(reference="ewma", is_refit=False, lift=a_lift(0.05), slices={}, metrics=BELIEVABLE)

    assert verdict.promoted
    assert "wins against ewma" in verdict.reason


def test_a_useless_new_recipe_is_refused() -> None:
    verdict = judge(reference="ewma", is_refit=False, lift=a_lift(0.0), slices={}, metrics=BELIEVABLE)

    assert not verdict.promoted
    assert "does not win against ewma" in verdict.reason


def test_a_first_model_has_to_gain_more_than_chance_of_its_training_may_bring() -> None:
    sure, small = replace(a_lift(0.05), lower=0.0001), {"slices": {}, "metrics": BELIEVABLE}
    little, enough = replace(sure, relative=LEAST_GAIN - 1e-6), replace(sure, relative=LEAST_GAIN)

    refused = judge(reference="ewma", is_refit=False, lift=little, **small)

    assert not refused.promoted
    assert "wins too little against ewma" in refused.reason
    assert "1% is asked of a first model" in refused.reason
    assert judge(reference="ewma", is_refit=False, lift=enough, **small).promoted


def test_a_large_gain_that_may_be_chance_is_refused() -> None:
    unsure = replace(a_lift(0.05), lower=-0.0001)

    verdict = judge(reference="ewma", is_refit=False, lift=unsure, slices={}, metrics=BELIEVABLE)

    assert unsure.relative > 5 * LEAST_GAIN
    assert not verdict.promoted
    assert "does not win against ewma" in verdict.reason


def test_a_new_recipe_has_to_be_better_than_the_champion_by_whatever_is_no_chance() -> None:
    little = replace(a_lift(0.05), lower=0.0001, relative=LEAST_GAIN / 2)

    verdict = judge(
        reference="champion 3",
        is_refit=False,
        against_baseline=False,
        lift=little,
        slices={},
        metrics=BELIEVABLE,
    )

    assert verdict.promoted


def test_a_refit_that_is_as_good_replaces_the_champion() -> None:
    lift = a_lift(0.0, noise=0.02)

    assert judge(reference="champion 3", is_refit=True, lift=lift, slices={}, metrics=BELIEVABLE).promoted
    assert not judge(
        reference="champion 3", is_refit=False, lift=lift, slices={}, metrics=BELIEVABLE
    ).promoted


def test_a_refit_that_lost_two_percent_is_refused() -> None:
    lift = a_lift(-0.016, noise=0.02)

    verdict = judge(reference="champion 3", is_refit=True, lift=lift, slices={}, metrics=BELIEVABLE)

    assert not verdict.promoted
    assert "may be inferior" in verdict.reason


@pytest.mark.parametrize(
    ("footprint", "told"),
    [
        (Footprint(LARGEST_ARTIFACT_MB + 1, 2), "takes 21.0 MB and at most 25 ms"),
        (Footprint(1, SLOWEST_ANSWER_MS * 3), "takes at most 20 MB and 75 ms"),
    ],
)
def test_a_candidate_that_is_too_large_or_too_slow_is_refused(footprint: Footprint, told: str) -> None:
    sure = a_lift(0.05)

    verdict = judge(
        reference="ewma", is_refit=False, lift=sure, slices={}, metrics=BELIEVABLE, footprint=footprint
    )

    assert not verdict.promoted
    assert told in verdict.reason


@pytest.mark.parametrize("leak", [{"r2": 0.84}, {"r_within": 0.9}])
def test_a_candidate_that_is_too_good_for_real_ratings_is_refused(leak: dict[str, float]) -> None:
    verdict = judge(reference="ewma", is_refit=False, lift=a_lift(0.6), slices={}, metrics=BELIEVABLE | leak)

    assert not verdict.promoted
    assert "look for a leak" in verdict.reason


def test_on_simulated_people_only_the_ceiling_is_suspect() -> None:
    metrics = {"r2": 0.85, "mae": 0.7}
    lift = a_lift(0.1)

    below = judge(
        reference="ewma",
        is_refit=False,
        lift=lift,
        slices={},
        metrics=metrics,
        ceiling={"r2": 0.86, "mae": 0.69},
    )
    above = judge(
        reference="ewma",
        is_refit=False,
        lift=lift,
        slices={},
        metrics=metrics,
        ceiling={"r2": 0.80, "mae": 0.75},
    )

    assert below.promoted
    assert not above.promoted


def test_a_win_that_a_slice_pays_for_is_refused() -> None:
    rng = np.random.default_rng(0)
    night = USERS < 8
    reference = np.full(len(USERS), 0.8)
    candidate = reference + np.where(night, 0.2, -0.2) + rng.normal(0, 0.1, len(USERS))
    slices = slice_lifts(reference, candidate, USERS, {"shift workers": night, "others": ~night}, seed=1)

    verdict = judge(
        reference="ewma",
        is_refit=False,
        lift=user_lift(reference, candidate, USERS, seed=1),
        slices=slices,
        metrics=BELIEVABLE,
    )

    assert losing_slices(slices) == ["shift workers"]
    assert not verdict.promoted
    assert "shift workers" in verdict.reason


def test_four_people_are_too_few_to_decide() -> None:
    lift = a_lift(0.2, users=np.repeat(np.arange(4), 100))

    assert not judge(reference="ewma", is_refit=False, lift=lift, slices={}, metrics=BELIEVABLE).promoted


def test_a_slice_of_four_people_is_not_judged() -> None:
    loss = np.ones(len(USERS))

    assert slice_lifts(loss, loss, USERS, {"few": USERS < 4}, seed=1) == {}


def test_the_same_seed_gives_the_same_interval() -> None:
    assert a_lift(0.03) == a_lift(0.03)


def test_only_people_whom_the_baseline_serves_clearly_better_are_named() -> None:
    rng = np.random.default_rng(0)
    model = np.where(USERS == 7, 1.0, 0.5) + rng.normal(0, 0.1, len(USERS))
    baseline = np.full(len(USERS), 0.7)

    assert people_better_served(baseline, model, USERS).tolist() == [7]


def test_the_lift_of_one_person_has_the_error_of_their_own_ratings() -> None:
    users = np.array([3, 3, 3, 8])
    reference, model = np.array([1.0, 2.0, 3.0, 1.0]), np.ones(4)

    errors = error_by_user(reference, model, users)

    assert lift_by_user(reference, model, users).tolist() == [1.0, 0.0]
    assert errors[0] == pytest.approx(np.std([0, 1, 2], ddof=1) / np.sqrt(3))
    assert np.isnan(errors[1]), "one rating has no spread"
