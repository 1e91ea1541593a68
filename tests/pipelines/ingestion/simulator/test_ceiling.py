"""The ceiling: formulas against Monte-Carlo, and against what the simulated people really rated."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from pipelines.ingestion.simulator import Simulation, SimulationSpec, ceiling_of, simulate
from pipelines.ingestion.simulator.ceiling import TARGETS, best_for_macro_f1
from pipelines.ingestion.simulator.ratings import ENERGY, VALENCE, Scale, class_probabilities, mood_class


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(SimulationSpec(users=40, days=60, seed=7, ends_on=date(2026, 11, 22)))


@pytest.mark.parametrize("scale", [ENERGY, VALENCE], ids=["energy", "valence"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.97])
def test_expected_rating_and_error_match_monte_carlo(scale: Scale, share: float) -> None:
    state = scale.low + share * (scale.high - scale.low)
    ratings = scale.rate(np.full(400_000, state), np.random.default_rng(1))
    states = np.array([state])
    mean = scale.mean_given(states)

    assert mean[0] == pytest.approx(ratings.mean(), abs=0.005 * scale.noise_sd)
    assert scale.variance_given(states)[0] == pytest.approx(ratings.var(), rel=0.01)
    assert scale.absolute_error_given(states, mean)[0] == pytest.approx(
        np.abs(ratings - mean).mean(), rel=0.01
    )


@pytest.mark.parametrize("state", [-0.9, -0.41, -0.2, 0.0, 0.35, 0.6, 0.95])
def test_class_probabilities_match_monte_carlo(state: float) -> None:
    ratings = VALENCE.rate(np.full(400_000, state), np.random.default_rng(2))
    shares = np.bincount(mood_class(ratings), minlength=5) / len(ratings)

    assert class_probabilities(np.array([state]))[0] == pytest.approx(shares, abs=0.004)


def test_cut_of_valence_into_classes_is_the_contracted_one() -> None:
    valence = np.array([-1.0, -0.62, -0.6, -0.22, -0.2, 0.0, 0.2, 0.22, 0.6, 0.62, 1.0])

    assert mood_class(valence).tolist() == [0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4]


def test_scores_of_the_truth_are_what_the_formulas_expect(simulation: Simulation) -> None:
    ceiling = simulation.ceiling

    assert ceiling.attainable.energy_mae == pytest.approx(ceiling.expected.energy_mae, rel=0.03)
    assert ceiling.attainable.energy_r2 == pytest.approx(ceiling.expected.energy_r2, abs=0.02)
    assert ceiling.attainable.mood_accuracy == pytest.approx(ceiling.expected.mood_accuracy, abs=0.02)
    assert ceiling.attainable.mood_macro_f1 == pytest.approx(ceiling.expected.mood_macro_f1, abs=0.03)


def test_nobody_beats_the_truth(simulation: Simulation) -> None:
    ceiling = simulation.ceiling

    assert ceiling.baseline.energy_mae > ceiling.attainable.energy_mae
    assert ceiling.baseline.energy_r2 < ceiling.attainable.energy_r2
    assert ceiling.baseline.mood_accuracy < ceiling.attainable.mood_accuracy
    assert ceiling.majority < ceiling.attainable.mood_accuracy


def test_decision_for_macro_f1_is_at_least_as_good_as_the_most_probable_class(simulation: Simulation) -> None:
    expected = simulation.ceiling.expected

    assert expected.mood_macro_f1_best is not None
    assert expected.mood_macro_f1_best >= expected.mood_macro_f1
    sure = np.eye(5)[[0, 1, 2, 3, 4, 4]]
    assert best_for_macro_f1(sure).tolist() == [0, 1, 2, 3, 4, 4]


def test_retest_of_the_population_reproduces_the_published_reliability(simulation: Simulation) -> None:
    stream = np.random.default_rng(3)
    for scale, column in ((ENERGY, "energy_state"), (VALENCE, "valence_state")):
        states = np.tile(simulation.truth[column].to_numpy(), 4)
        retest = np.corrcoef(scale.rate(states, stream), scale.rate(states, stream))[0, 1]

        assert retest == pytest.approx(scale.reliability, abs=0.03)


def test_every_target_is_judged_in_words(simulation: Simulation) -> None:
    verdicts = simulation.ceiling.verdicts()

    assert len(verdicts) == len(TARGETS)
    assert all(("within reach" in verdict) != ("OUT OF REACH" in verdict) for verdict in verdicts)


def test_ceiling_of_a_test_set_is_computed_on_its_rows_alone(simulation: Simulation) -> None:
    last = simulation.truth.tail(500)

    assert ceiling_of(last).ratings == 500


def test_skill_is_zero_at_the_baseline_and_one_at_the_ceiling(simulation: Simulation) -> None:
    ceiling = simulation.ceiling
    for name in TARGETS:
        assert ceiling.skill(name, getattr(ceiling.baseline, name)) == pytest.approx(0)
        assert ceiling.skill(name, getattr(ceiling.attainable, name)) == pytest.approx(1)
