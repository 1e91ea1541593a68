from __future__ import annotations

import numpy as np

from pipelines.training.model_card.coverage import share_of


def test_bounds_of_a_share_are_wider_the_more_people_differ() -> None:
    users = np.repeat(np.arange(20), 10)
    alike = np.tile(np.arange(10) < 9, 20)
    apart = users < 18

    same, different = share_of(alike, users, seed=1), share_of(apart, users, seed=1)

    assert same is not None
    assert different is not None
    assert same.value == different.value == 0.9
    assert (same.lower, same.upper) == (0.9, 0.9)
    assert different.lower is not None
    assert different.upper is not None
    assert different.lower < 0.85
    assert different.upper > 0.95


def test_few_people_have_a_share_without_bounds() -> None:
    share = share_of(np.array([True, True, False, True]), np.array([0, 1, 2, 3]), seed=1)

    assert share is not None
    assert (share.value, share.lower, share.upper) == (0.75, None, None)


def test_nobody_has_no_share() -> None:
    assert share_of(np.array([], dtype=bool), np.array([], dtype=np.int64), seed=1) is None
