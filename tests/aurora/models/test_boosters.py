from __future__ import annotations

import numpy as np
import pytest
import xgboost

from aurora.models import regression_booster
from aurora.models.boosters import booster_of
from aurora.models.boosting import Booster
from aurora.models.catalogue import Kind
from aurora.models.class_booster import ClassBooster
from aurora.models.design import Centring, ClassStart, class_numbers
from aurora.models.ordinal import leaned, log_loss
from aurora.models.regression_booster import RegressionBooster, xgboost_params
from aurora.models.targets import TARGETS
from tests.aurora.models.people import ENERGY_SPEC, FEATURES, MOOD_SPEC, a_population

ROWS = a_population()
DESIGN = Centring.of(FEATURES, FEATURES, ENERGY_SPEC.centred).design(ROWS.features)
START = ROWS.features[:, 0]
CLASSES = class_numbers(ROWS.valence)
EVEN = np.full(5, 0.2)
VALUES = np.array(MOOD_SPEC.class_values)
SHARES = ClassStart().of(np.zeros(len(CLASSES)), VALUES, ROWS.shares, EVEN)


def test_the_residual_model_beats_the_baseline_it_starts_from() -> None:
    new = a_population(seed=2)
    booster = RegressionBooster.fit(ENERGY_SPEC, DESIGN, START, ROWS.energy, rounds=60).booster

    answers = booster.answer(
        Centring.of(FEATURES, FEATURES, ENERGY_SPEC.centred).design(new.features), new.features[:, 0]
    )

    assert np.abs(new.energy - answers).mean() < 0.85 * np.abs(new.energy - new.features[:, 0]).mean()


def test_the_class_model_beats_the_shares_it_starts_from() -> None:
    booster = ClassBooster.fit(MOOD_SPEC, ROWS.features, SHARES, CLASSES, rounds=40).booster

    answers = booster.answer(ROWS.features, SHARES)

    picked = np.arange(len(CLASSES)), CLASSES
    assert answers.sum(axis=1) == pytest.approx(1)
    assert -np.log(answers[picked]).mean() < -np.log(SHARES[picked]).mean()


def test_what_a_fit_adds_to_its_rows_is_what_its_booster_says_of_them() -> None:
    energy = RegressionBooster.fit(ENERGY_SPEC, DESIGN, START, ROWS.energy, rounds=60)
    mood = ClassBooster.fit(MOOD_SPEC, DESIGN, SHARES, CLASSES, rounds=40)
    still = ClassBooster.fit(MOOD_SPEC, np.zeros((20, 3)), SHARES[:20], CLASSES[:20], rounds=40)

    for fitted, design in ((energy, DESIGN), (mood, DESIGN), (still, np.zeros((20, 3)))):
        assert fitted.kept is not None
        assert fitted.kept == pytest.approx(fitted.booster.score(design), abs=1e-5)


def test_energy_shares_and_base_sum_to_the_answer() -> None:
    booster = RegressionBooster.fit(ENERGY_SPEC, DESIGN, START, ROWS.energy, rounds=60).booster

    shares = booster.shares(DESIGN[:50])

    assert shares.score == pytest.approx(booster.score(DESIGN[:50]), abs=1e-4)
    told = TARGETS["regression"].before(START[:50], shares.score) + shares.score
    assert told == pytest.approx(booster.answer(DESIGN[:50], START[:50]), abs=1e-4)


def test_mood_shares_and_base_sum_to_the_log_odds_against_the_next_worse_class() -> None:
    booster = ClassBooster.fit(MOOD_SPEC, ROWS.features, SHARES, CLASSES, rounds=20).booster

    shares = booster.shares(ROWS.features)

    answers, rows = booster.answer(ROWS.features, SHARES), np.arange(len(SHARES))
    better = np.maximum(answers.argmax(axis=1), 1)
    log_odds = np.log(answers[rows, better] / answers[rows, better - 1])
    told = TARGETS["classes"].before(SHARES, shares.score) + shares.score
    assert told == pytest.approx(log_odds, abs=1e-6)


def test_a_row_leans_by_the_same_log_odds_at_every_step_between_classes() -> None:
    booster = ClassBooster.fit(MOOD_SPEC, ROWS.features, SHARES, CLASSES, rounds=20).booster

    answers = booster.answer(ROWS.features[:50], SHARES[:50])

    raised = np.diff(np.log(answers / SHARES[:50]), axis=1)
    assert raised == pytest.approx(np.tile(raised[:, :1], (1, 4)), abs=1e-6)
    assert np.ptp(raised[:, 0]) > 0.1


@pytest.mark.parametrize("kind", ["regression", "classes"])
def test_the_same_seed_gives_the_same_bytes_and_bytes_give_the_same_answers(kind: Kind) -> None:
    def fit() -> Booster:
        if kind == "regression":
            return RegressionBooster.fit(ENERGY_SPEC, DESIGN, START, ROWS.energy, rounds=20).booster
        return ClassBooster.fit(MOOD_SPEC, DESIGN, SHARES, CLASSES, rounds=20).booster

    first, second = fit(), fit()
    start = START if kind == "regression" else SHARES

    again = booster_of(kind).from_bytes(first.to_bytes())

    assert first.to_bytes() == second.to_bytes()
    assert np.array_equal(again.answer(DESIGN, start), first.answer(DESIGN, start))


def test_missing_features_are_learned_as_missing() -> None:
    design = DESIGN.copy()
    design[::2, 2] = np.nan

    booster = RegressionBooster.fit(ENERGY_SPEC, design, START, ROWS.energy, rounds=20).booster

    assert np.isfinite(booster.answer(np.full((1, design.shape[1]), np.nan), np.array([6.0]))).all()


def test_a_sample_of_very_many_rows_tells_the_bins_as_well_as_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    new = a_population(seed=2)
    centring, design = Centring.of(FEATURES, FEATURES, ENERGY_SPEC.centred), DESIGN.copy()
    design[:, -1] = np.nan
    design[7, -1] = 1.0  # Known of a row that no sample need hold.

    def fit() -> Booster:
        return RegressionBooster.fit(ENERGY_SPEC, design, START, ROWS.energy, rounds=60).booster

    def error_of(booster: Booster) -> float:
        answers = booster.answer(centring.design(new.features), new.features[:, 0])
        return float(np.abs(new.energy - answers).mean())

    by_all = fit()
    monkeypatch.setattr(regression_booster, "BINNED_FROM", len(design) // 5)
    by_sample, again = fit(), fit()

    assert by_sample.to_bytes() != by_all.to_bytes()
    assert by_sample.to_bytes() == again.to_bytes()
    assert error_of(by_sample) == pytest.approx(error_of(by_all), rel=0.02)


def test_up_to_so_many_rows_a_fit_is_that_of_the_plain_library() -> None:
    ours = RegressionBooster.fit(ENERGY_SPEC, DESIGN, START, ROWS.energy, rounds=20).booster

    plain = xgboost.train(
        xgboost_params(ENERGY_SPEC, 1), xgboost.DMatrix(DESIGN, ROWS.energy, base_margin=START), 20
    )

    assert ours.to_bytes() == bytes(plain.save_raw("ubj"))


def test_rounds_are_chosen_on_later_days() -> None:
    late = np.flatnonzero(ROWS.as_of >= 50 * 86_400)

    trial = RegressionBooster.tried(ENERGY_SPEC, DESIGN, START, ROWS.energy, judged=late)

    answers = trial.booster.answer(DESIGN[late], START[late])
    assert 5 < trial.rounds <= ENERGY_SPEC.max_rounds
    assert 0.3 < trial.loss < np.abs(ROWS.energy - START)[late].mean()
    assert np.abs(answers - ROWS.energy[late]).mean() == pytest.approx(trial.loss, rel=1e-5)


def test_a_trial_of_classes_answers_with_its_best_round() -> None:
    late = np.flatnonzero(ROWS.as_of >= 50 * 86_400)

    trial = ClassBooster.tried(MOOD_SPEC, DESIGN, SHARES, CLASSES, judged=late)

    assert log_loss(trial.booster.answer(DESIGN[late], SHARES[late]), CLASSES[late]) == pytest.approx(
        trial.loss
    )


def test_from_rows_too_few_to_split_classes_keep_their_start() -> None:
    few = np.arange(2 * MOOD_SPEC.params["min_data_in_leaf"] - 1)
    design, start, classes = ROWS.features[few], SHARES[few], CLASSES[few]

    booster = ClassBooster.fit(MOOD_SPEC, design, start, classes, rounds=5).booster
    trial = ClassBooster.tried(MOOD_SPEC, design, start, classes, judged=few[-10:])

    loaded = ClassBooster.from_bytes(booster.to_bytes())
    assert loaded.answer(design, start) == pytest.approx(start)
    assert loaded.score(design[:1]) == 0
    assert not loaded.shares(design).table.any()
    assert trial.loss == pytest.approx(log_loss(start[-10:], classes[-10:]))


def test_own_shares_are_drawn_to_everybodys_and_missing_ones_stay_missing() -> None:
    shares = np.array([[0, 0, 1, 0, 0.0], [0, 0, 0, 0, 0], [np.nan] * 5])

    start = ClassStart(prior_weight=0.1).of(np.zeros(3), VALUES, shares, EVEN)

    assert start[0].tolist() == pytest.approx([0.02, 0.02, 0.92, 0.02, 0.02])
    assert np.isnan(start[1:]).all()


def test_a_start_around_the_level_is_a_normal_distribution_that_leaning_moves() -> None:
    smooth = ClassStart(spread=0.3)
    shares = np.tile(EVEN, (3, 1))

    start = smooth.of(np.array([0.0, 0.4, np.nan]), VALUES, shares, EVEN)

    assert start[:2].sum(axis=1) == pytest.approx(1)
    assert start[0].tolist() == pytest.approx(start[0][::-1].tolist())
    assert start[0][3] / start[0][2] == pytest.approx(np.exp(-0.5 * (0.4 / 0.3) ** 2))
    assert np.isnan(start[2]).all()
    # One class up is 0.4 of valence: the same distribution, centred there.
    assert leaned(start[:1], np.array([0.4 * 0.4 / 0.3**2])) == pytest.approx(start[1:2])


@pytest.mark.parametrize(
    ("valence", "number"),
    [(-1, 0), (-0.6, 1), (-0.21, 1), (-0.2, 2), (0, 2), (0.2, 2), (0.21, 3), (0.6, 3), (0.61, 4), (1, 4)],
)
def test_the_cut_of_valence_is_symmetric(valence: float, number: int) -> None:
    assert class_numbers(np.array([float(valence)])).tolist() == [number]
    assert class_numbers(np.array([-float(valence)])).tolist() == [4 - number]
