from __future__ import annotations

import numpy as np
import pytest

from aurora.models.boosters import ClassBooster, RegressionBooster
from aurora.models.design import class_numbers, design_matrix, smoothed_shares
from tests.aurora.models.people import ENERGY_SPEC, FEATURES, MOOD_SPEC, a_population

ROWS = a_population()
DESIGN = design_matrix(ROWS.features, FEATURES, ENERGY_SPEC.centred)
START = ROWS.features[:, 0]
CLASSES = class_numbers(ROWS.valence)
SHARES = smoothed_shares(ROWS.shares, np.full(5, 0.2), 0.1)


def test_the_residual_model_beats_the_baseline_it_starts_from() -> None:
    new = a_population(seed=2)
    booster = RegressionBooster.fit(ENERGY_SPEC, DESIGN, START, ROWS.energy, rounds=60)

    answers = booster.answer(design_matrix(new.features, FEATURES, ENERGY_SPEC.centred), new.features[:, 0])

    assert np.abs(new.energy - answers).mean() < 0.85 * np.abs(new.energy - new.features[:, 0]).mean()


def test_the_class_model_beats_the_shares_it_starts_from() -> None:
    booster = ClassBooster.fit(MOOD_SPEC, ROWS.features, SHARES, CLASSES, rounds=40)

    answers = booster.answer(ROWS.features, SHARES)

    picked = np.arange(len(CLASSES)), CLASSES
    assert answers.sum(axis=1) == pytest.approx(1)
    assert -np.log(answers[picked]).mean() < -np.log(SHARES[picked]).mean()


def test_energy_contributions_and_base_sum_to_the_answer() -> None:
    booster = RegressionBooster.fit(ENERGY_SPEC, DESIGN, START, ROWS.energy, rounds=60)

    contributions, base = booster.contributions(DESIGN[:50], START[:50])

    assert base + contributions.sum(axis=1) == pytest.approx(
        booster.answer(DESIGN[:50], START[:50]), abs=1e-4
    )


def test_mood_contributions_and_base_sum_to_the_log_odds() -> None:
    booster = ClassBooster.fit(MOOD_SPEC, ROWS.features, SHARES, CLASSES, rounds=20)

    contributions, base = booster.contributions(ROWS.features[:50], SHARES[:50])

    raw = base + contributions.sum(axis=2)
    told = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    assert told == pytest.approx(booster.answer(ROWS.features[:50], SHARES[:50]), abs=1e-6)


@pytest.mark.parametrize("kind", ["regression", "classes"])
def test_the_same_seed_gives_the_same_bytes_and_bytes_give_the_same_answers(kind: str) -> None:
    def fit() -> RegressionBooster | ClassBooster:
        if kind == "regression":
            return RegressionBooster.fit(ENERGY_SPEC, DESIGN, START, ROWS.energy, rounds=20)
        return ClassBooster.fit(MOOD_SPEC, DESIGN, SHARES, CLASSES, rounds=20)

    first, second = fit(), fit()
    start = START if kind == "regression" else SHARES

    again = type(first).from_bytes(first.to_bytes())

    assert first.to_bytes() == second.to_bytes()
    assert np.array_equal(again.answer(DESIGN, start), first.answer(DESIGN, start))


def test_missing_features_are_learned_as_missing() -> None:
    design = DESIGN.copy()
    design[::2, 2] = np.nan

    booster = RegressionBooster.fit(ENERGY_SPEC, design, START, ROWS.energy, rounds=20)

    assert np.isfinite(booster.answer(np.full((1, design.shape[1]), np.nan), np.array([6.0]))).all()


def test_rounds_are_chosen_on_later_days() -> None:
    late = np.flatnonzero(ROWS.as_of >= 50 * 86_400)

    rounds = RegressionBooster.best_rounds(ENERGY_SPEC, DESIGN, START, ROWS.energy, judged=late)

    assert 5 < rounds <= ENERGY_SPEC.max_rounds


def test_shares_are_smoothed_towards_the_prior_and_missing_ones_stay_missing() -> None:
    shares = np.array([[0, 0, 1, 0, 0.0], [0, 0, 0, 0, 0], [np.nan] * 5])

    smoothed = smoothed_shares(shares, np.full(5, 0.2), 0.1)

    assert smoothed[0].tolist() == pytest.approx([0.02, 0.02, 0.92, 0.02, 0.02])
    assert np.isnan(smoothed[1:]).all()


@pytest.mark.parametrize(
    ("valence", "number"),
    [(-1, 0), (-0.6, 1), (-0.21, 1), (-0.2, 2), (0, 2), (0.2, 2), (0.21, 3), (0.6, 3), (0.61, 4), (1, 4)],
)
def test_the_cut_of_valence_is_symmetric(valence: float, number: int) -> None:
    assert class_numbers(np.array([float(valence)])).tolist() == [number]
    assert class_numbers(np.array([-float(valence)])).tolist() == [4 - number]
