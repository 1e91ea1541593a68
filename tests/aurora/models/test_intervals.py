from __future__ import annotations

import numpy as np
import pytest

from aurora.models.intervals import COVERAGE, LEVELS, adapt, calibrate

SCALE = (0.0, 10.0)


def coverage(spread_matters: bool, *, seed: int = 0) -> tuple[float, float, float]:
    rng = np.random.default_rng(seed)
    spread = rng.uniform(0.2, 2, 8000)
    noise = rng.normal(0, spread if spread_matters else 1, 8000) * 0.8
    table = calibrate(noise[:4000], spread[:4000])
    low, high = table.around(np.full(4000, 5.0), spread[4000:], SCALE)
    inside = (5 + noise[4000:] >= low) & (5 + noise[4000:] <= high)
    calm = spread[4000:] < 0.7
    return float(inside.mean()), float(inside[calm].mean()), float((high - low)[calm].mean())


def test_nine_in_ten_new_answers_lie_inside() -> None:
    overall, _, _ = coverage(spread_matters=False)

    assert 0.88 <= overall <= 0.92


def test_people_who_vary_little_get_narrow_intervals_that_still_cover() -> None:
    overall, calm, width = coverage(spread_matters=True)

    assert 0.88 <= overall <= 0.92
    assert 0.85 <= calm <= 0.95
    assert width < 2


def test_intervals_stay_on_the_scale() -> None:
    table = calibrate(np.linspace(-3, 3, 500), np.full(500, np.nan))

    low, high = table.around(np.array([0.5, 9.5]), np.array([np.nan, 1.0]), SCALE)

    assert low.tolist() == [0, pytest.approx(9.5 - 2.7, abs=0.05)]
    assert high[1] == 10


def test_a_handful_of_residuals_gives_their_extremes() -> None:
    table = calibrate(np.array([-1.0, 0.0, 2.0]), np.array([1.0, 1.0, 1.0]))

    assert (table.below[0], table.above[0]) == (-1.0, 2.0)


def covered_by_period(residuals: np.ndarray, spread: np.ndarray, period: np.ndarray) -> list[float]:
    inside: list[float] = []
    for each in adapt(residuals, spread, period):
        low, high = each.table.around(np.zeros(len(each.number)), spread[each.number], (-100, 100))
        inside.append(float(((residuals[each.number] >= low) & (residuals[each.number] <= high)).mean()))
    return inside


def test_where_nothing_changes_the_promised_share_stays() -> None:
    rng = np.random.default_rng(5)
    period, spread = np.repeat(np.arange(12), 400), np.full(4800, 1.0)

    covered = covered_by_period(rng.normal(0, 1, 4800), spread, period)

    assert 0.88 <= float(np.mean(covered)) <= 0.92


def test_levels_adapt_when_people_become_harder_to_predict() -> None:
    rng = np.random.default_rng(6)
    period, spread = np.repeat(np.arange(12), 400), np.full(4800, 1.0)
    residuals = rng.normal(0, 1 + period / 6)

    adapted = float(np.mean(covered_by_period(residuals, spread, period)[4:]))
    held = [
        float(
            (np.abs(residuals[period == each]) <= np.quantile(np.abs(residuals[period < each]), 0.9)).mean()
        )
        for each in range(5, 12)
    ]

    assert float(np.mean(held)) < 0.85, "residuals of earlier months no longer cover"
    assert abs(adapted - COVERAGE) < abs(float(np.mean(held)) - COVERAGE) / 2


def test_a_level_stays_where_quantiles_are_known() -> None:
    rng = np.random.default_rng(7)
    period, spread = np.repeat(np.arange(20), 300), np.full(6000, np.nan)
    growing = rng.normal(0, 1, 6000) * 2.0**period

    last = list(adapt(growing, spread, period))[-1]

    assert set(last.levels.values()) == {LEVELS[1]}


def test_each_group_adapts_by_itself() -> None:
    rng = np.random.default_rng(8)
    period, spread = np.repeat(np.arange(10), 900), np.tile([0.2, 1.0, 2.0], 3000)
    changing = np.where(spread == 2.0, 1 + period / 4, 1.0)

    last = list(adapt(rng.normal(0, changing), spread, period))[-1]

    calm, _, restless = (last.levels[2, group] for group in range(3))
    assert restless > 0.93 > calm
