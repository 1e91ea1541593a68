from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from aurora.models.headstart import PENALTY, lines_that_lean, lines_through, personal_offsets
from aurora.models.metrics import Floats
from aurora.models.ordinal import leaned, left_over, log_loss

RNG = np.random.default_rng(3)
DESIGN = np.column_stack([RNG.normal(450, 60, 4_000), RNG.normal(size=4_000), np.full(4_000, 7.0)])
EVEN = np.full((4_000, 5), 0.2)


def _standardised() -> Floats:
    moving = DESIGN[:, :2]
    return (moving - moving.mean(axis=0)) / moving.std(axis=0)


def test_lines_find_what_adds_up_and_shares_say_where_it_comes_from() -> None:
    residual = 0.5 + (DESIGN[:, 0] - 450) / 60 - 2 * DESIGN[:, 1]

    lines = lines_through(DESIGN, residual)

    assert lines.answer(DESIGN) == pytest.approx(residual, abs=0.2)
    shares = lines.shares(DESIGN)
    assert shares.sum(axis=1) + lines.intercept == pytest.approx(lines.answer(DESIGN))
    assert shares[:, 0].std() == pytest.approx(1.0, abs=0.02)
    assert shares[:, 2] == pytest.approx(0.0)


def test_what_is_missing_counts_as_the_mean_and_far_values_do_not_run_away() -> None:
    lines = lines_through(DESIGN, DESIGN[:, 1])

    answers = lines.answer(np.array([[np.nan, np.nan, np.nan], [450, 4.2, 7], [450, 1e9, 7]]))

    assert answers[0] == pytest.approx(lines.intercept)
    assert answers[2] == pytest.approx(answers[1], rel=0.1)


def test_lines_of_a_column_that_is_never_known_stay_finite() -> None:
    lines = lines_through(np.column_stack([DESIGN[:, 0], np.full(4_000, np.nan)]), DESIGN[:, 0])

    assert np.isfinite(lines.answer(np.array([[450.0, 3.0]]))).all()
    assert lines.weights[1] == 0


def test_leaning_lines_minimise_the_penalised_log_loss() -> None:
    score = 0.8 * _standardised()[:, 0] - 0.3
    told = leaned(EVEN, score)
    target = (told.cumsum(axis=1) < RNG.uniform(size=(4_000, 1))).sum(axis=1)

    lines = lines_that_lean(DESIGN, EVEN, target)

    def penalised(weights: Floats) -> float:
        raw = weights[0] + _standardised() @ weights[1:]
        return len(target) * log_loss(leaned(EVEN, raw), target) + PENALTY / 2 * float(
            weights[1:] @ weights[1:]
        )

    best = minimize(penalised, np.zeros(3)).x
    assert [lines.intercept, *lines.weights[:2]] == pytest.approx(best.tolist(), abs=1e-3)
    assert lines.weights[0] == pytest.approx(0.8, abs=0.1)


def test_lines_of_many_rows_are_the_same_however_few_led_to_them() -> None:
    design = np.concatenate([DESIGN, DESIGN[::-1] * 1.01])
    target = RNG.integers(0, 5, len(design))
    start = np.tile(EVEN, (2, 1))

    led = lines_that_lean(design, start, target, enough=500)

    alone = lines_that_lean(design, start, target, enough=len(design))
    assert [*led.weights, led.intercept] == pytest.approx([*alone.weights, alone.intercept], abs=1e-9)


def test_what_is_left_over_is_the_slope_of_the_log_likelihood() -> None:
    start, target = np.tile([0.1, 0.2, 0.4, 0.2, 0.1], (5, 1)), np.arange(5)

    pull, curvature = left_over(start, target)

    def likelihood(score: float) -> Floats:
        return np.log(leaned(start, np.full(5, score))[np.arange(5), target])

    step = 1e-4
    assert pull == pytest.approx((likelihood(step) - likelihood(-step)) / (2 * step), abs=1e-6)
    second = (likelihood(step) - 2 * likelihood(0) + likelihood(-step)) / step**2
    assert curvature == pytest.approx(-second, abs=1e-4)


def test_an_offset_is_the_mean_of_what_is_left_over_drawn_towards_nothing() -> None:
    left = np.array([1.0, 1.0, 1.0, 1.0, -2.0])

    offsets = personal_offsets(left, np.ones(5), np.array([0, 0, 0, 0, 2]), 4, penalty=4.0)

    assert offsets.tolist() == pytest.approx([0.5, 0.0, -0.4, 0.0])
