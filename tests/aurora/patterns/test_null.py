"""Where there is nothing, hardly anything is found: lives of independent series, as persistent as real ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

from aurora.patterns.search import search
from aurora.patterns.series import PersonDays
from aurora.patterns.specification import FALSE_DISCOVERY_RATE, WINDOW_DAYS
from tests.aurora.patterns.series import MONDAY, OUTCOMES, with_gaps, with_memory

PEOPLE = 120
MEASURES = (
    *OUTCOMES,
    "steps",
    "work_minutes",
    "caffeine",
    "stress",
    "sleep_deep_minutes",
    "hrv",
    "temperature",
)
ALLOWED = FALSE_DISCOVERY_RATE + 2.33 * math.sqrt(FALSE_DISCOVERY_RATE * (1 - FALSE_DISCOVERY_RATE) / PEOPLE)
"""The rate itself and what chance adds to it in 99 of 100 runs of so many people."""


def share_with_discoveries(lives: list[PersonDays]) -> dict[str, float]:
    """Where all is null, every discovery is false: the false discovery rate is the share of people with any."""
    found = [search(life) for life in lives]
    kinds = ("lagged_correlation", "weekday_effect", "change_point")
    return {
        kind: sum(any(pattern.kind == kind for pattern in one.patterns) for one in found) / len(found)
        for kind in kinds
    }


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.8, 0.9])
def test_independent_series_yield_no_more_discoveries_than_the_rate_allows(phi: float) -> None:
    rng = np.random.default_rng(20261125)
    lives = [
        PersonDays(MONDAY, MEASURES, with_gaps(rng, with_memory(rng, np.full(len(MEASURES), phi)), 0.6))
        for _ in range(PEOPLE)
    ]

    shares = share_with_discoveries(lives)

    assert all(share <= ALLOWED for share in shares.values()), shares


def test_a_week_and_a_trend_that_series_share_are_no_link_between_them() -> None:
    rng = np.random.default_rng(3)
    days = np.arange(WINDOW_DAYS)
    shared = 2.0 * (days % 7 >= 5) + days / 60
    lives = []
    for _ in range(PEOPLE):
        memory = rng.uniform(0, 0.9, len(MEASURES))
        lives.append(PersonDays(MONDAY, MEASURES, shared + with_gaps(rng, with_memory(rng, memory), 0.3)))

    assert share_with_discoveries(lives)["lagged_correlation"] <= ALLOWED
