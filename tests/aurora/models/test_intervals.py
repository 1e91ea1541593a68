from __future__ import annotations

import numpy as np
import pytest

from aurora.models.intervals import calibrate

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
