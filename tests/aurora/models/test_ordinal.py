"""The arithmetic of ordered classes: the short way through a fit says what the long one says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora.models.metrics import Floats, Ints
from aurora.models.ordinal import LeanedStart, leaned, left_over, log_loss


def some_rows(seed: int, rows: int = 50, classes: int = 5) -> tuple[Floats, Ints]:
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(classes, 0.5), rows) + 1e-12, rng.integers(0, classes, rows)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 1000), st.lists(st.floats(-30, 30), min_size=50, max_size=50), st.integers(2, 7))
def test_a_fit_sees_the_slope_and_the_curvature_of_leaned_probabilities(
    seed: int, scores: list[float], classes: int
) -> None:
    start, target = some_rows(seed, classes=classes)
    score = np.array(scores)

    slope, curvature = LeanedStart(start, target).left_over(score)

    expected_slope, expected_curvature = left_over(leaned(start, score), target)
    np.testing.assert_allclose(slope, expected_slope, atol=1e-5)
    np.testing.assert_allclose(curvature, expected_curvature, atol=1e-5)


def test_its_loss_is_that_of_leaned_probabilities() -> None:
    start, target = some_rows(3)
    score = np.random.default_rng(4).normal(0, 2, len(target))

    assert LeanedStart(start, target).log_loss(score) == pytest.approx(log_loss(leaned(start, score), target))


def test_rows_of_many_blocks_are_told_the_same_as_each_would_be_alone() -> None:
    block = 100
    start, target = some_rows(7, rows=2 * block + 5)
    score = np.random.default_rng(8).normal(0, 2, len(target))
    parts = (slice(0, block - 1), slice(block - 1, block + 2), slice(block + 2, None))
    in_blocks = LeanedStart(start, target, block=block)

    together = in_blocks.left_over(score)

    apart = [LeanedStart(start[part], target[part]).left_over(score[part]) for part in parts]
    for told, alone in zip(together, zip(*apart, strict=True), strict=True):
        np.testing.assert_array_equal(told, np.concatenate(alone))
    assert in_blocks.log_loss(score) == pytest.approx(log_loss(leaned(start, score), target))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("sure", [-1e9, -800.0, 800.0, 1e9])
def test_however_sure_a_score_is_nothing_overflows(sure: float, classes: int) -> None:
    start, target = some_rows(5, classes=classes)

    slope, curvature = LeanedStart(start, target).left_over(np.full(len(target), sure))

    np.testing.assert_allclose(slope, target - (classes - 1 if sure > 0 else 0), atol=1e-6)
    assert np.isfinite(curvature).all()
