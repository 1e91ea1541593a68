"""The statistics against scipy, where it has them, and against what is known of them where it has not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from aurora.events.catalogue import MEASURES
from aurora.patterns.correlations import CONTROLS, find_correlations
from aurora.patterns.discoveries import (
    as_normal,
    interval_of_rank_correlation,
    level_of_chosen,
    p_of_rank_correlation,
    q_values,
    quantile,
    two_sided_p,
)
from aurora.patterns.levels import p_of_bridge
from aurora.patterns.phrases import MORE_OF
from aurora.patterns.ranks import (
    Autocorrelation,
    average_ranks,
    days_apart,
    effective_n,
    residuals,
    week_design,
)
from aurora.patterns.specification import FACTORS
from tests.aurora.patterns.series import a_life, with_memory


def test_ranks_are_those_of_scipy_with_ties_and_gaps() -> None:
    values = np.random.default_rng(1).integers(0, 9, 50).astype(float)
    values[[3, 17, 40]] = np.nan

    np.testing.assert_array_equal(average_ranks(values), stats.rankdata(values, nan_policy="omit"))


def test_without_memory_the_correlation_is_spearmans_of_what_the_week_leaves() -> None:
    rng = np.random.default_rng(2)
    steps = rng.normal(size=180)
    energy = np.r_[rng.normal(size=1), steps[:-1]] + rng.normal(size=180)
    life = a_life({"energy": energy, "steps": steps})

    [pattern] = find_correlations(life).patterns

    design = week_design(life.weekdays)
    x, y = (residuals(stats.rankdata(series), design) for series in (steps, energy))
    assert pattern.estimate == pytest.approx(np.corrcoef(x[:-1], y[1:])[0, 1], abs=1e-12)
    # The week and the trend of noise are small: plain Spearman is near.
    assert pattern.estimate == pytest.approx(stats.spearmanr(steps[:-1], energy[1:])[0], abs=0.05)
    assert pattern.effective_n == pytest.approx(179, rel=0.15)


@pytest.mark.parametrize("rho", [0.0, 0.1, -0.25, 0.4])
def test_the_p_value_is_near_the_one_of_scipy_when_days_are_independent(rho: float) -> None:
    n = 170
    t = rho * np.sqrt((n - 2) / (1 - rho**2))

    # Fieller's variance makes it the larger one: a little cautious, more so far out.
    ratio = p_of_rank_correlation(rho, n - 3) / (2 * stats.t.sf(abs(t), n - 2))
    assert 1 <= ratio < 2


def test_the_interval_is_that_of_bonett_and_wright() -> None:
    z, half = np.arctanh(0.5), 1.959964 * np.sqrt((1 + 0.5**2 / 2) / 97)

    expected = (np.tanh(z - half), np.tanh(z + half))
    assert interval_of_rank_correlation(0.5, 97, 0.05) == pytest.approx(expected, abs=1e-6)


def test_q_values_are_those_of_scipy() -> None:
    p = np.random.default_rng(3).uniform(size=40) ** 3

    np.testing.assert_allclose(q_values(p.tolist()), stats.false_discovery_control(p, method="bh"))


def test_students_t_becomes_a_normal_deviate_and_back() -> None:
    assert two_sided_p(as_normal(2.5, 20)) == pytest.approx(2 * stats.t.sf(2.5, 20), rel=0.03)
    assert quantile(0.05, 20) == pytest.approx(stats.t.ppf(0.975, 20), rel=0.005)
    assert quantile(0.05) == pytest.approx(stats.norm.ppf(0.975))


def test_the_bridge_is_kolmogorovs() -> None:
    for distance in (0.1, 0.5, 1.0, 1.36, 2.0):
        assert p_of_bridge(distance) == pytest.approx(stats.kstwobign.sf(distance), abs=1e-9)


def test_intervals_of_the_chosen_are_wider_the_fewer_were_chosen() -> None:
    assert level_of_chosen(0.1, 100, 100) == pytest.approx(0.1)
    assert level_of_chosen(0.1, 1, 100, tries=8) == pytest.approx(0.1 / 800)


def test_effective_n_is_that_of_two_first_order_processes() -> None:
    rng = np.random.default_rng(4)
    x, y = with_memory(rng, np.array([0.6, 0.6]), 20_000)
    one, other = Autocorrelation(x), Autocorrelation(y)

    worth = effective_n(
        days_apart(np.ones(20_000, dtype=bool)),
        measured=one.measured * other.measured,
        modelled=one.modelled * other.modelled,
    )

    assert worth / 20_000 == pytest.approx((1 - 0.36) / (1 + 0.36), rel=0.05)


def test_gaps_between_days_make_them_more_independent_and_never_worth_more_than_themselves() -> None:
    memory = np.array([0.8**lag for lag in range(29)])
    present = np.ones(180, dtype=bool)
    sparse = np.arange(180) % 4 == 0

    def worth(days: np.ndarray) -> float:
        return float(effective_n(days_apart(days), measured=memory, modelled=memory)) / days.sum()

    assert worth(present) < worth(sparse) <= 1
    alternating = np.array([(-0.9) ** lag for lag in range(29)])
    assert float(effective_n(days_apart(present), measured=alternating, modelled=alternating)) == 180


def test_too_few_pairs_of_days_are_taken_for_a_long_memory() -> None:
    series = np.full(180, np.nan)
    series[::20] = np.arange(9)

    assert Autocorrelation(series).measured[20] == 1.0


def test_every_factor_is_a_measure_with_a_phrase_and_every_phrase_a_factor() -> None:
    assert set(MORE_OF) == set(FACTORS) <= set(MEASURES)
    assert week_design(np.arange(180) % 7).shape[1] - 1 == CONTROLS
