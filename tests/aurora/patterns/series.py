"""Drawn lives for tests of patterns: series with memory and gaps, and days laid out from them."""

from __future__ import annotations

from datetime import date

import numpy as np

from aurora.patterns.series import Array, PersonDays
from aurora.patterns.specification import WINDOW_DAYS

MONDAY = date(2026, 1, 5)
OUTCOMES = ("energy", "mood", "main_sleep_minutes")


def with_memory(rng: np.random.Generator, phi: Array, days: int = WINDOW_DAYS) -> Array:
    """One first-order autoregressive series of variance 1 for each of these coefficients, from its steady state."""
    noise = rng.normal(size=(len(phi), days))
    series = np.empty_like(noise)
    series[:, 0] = noise[:, 0]
    for day in range(1, days):
        series[:, day] = phi * series[:, day - 1] + np.sqrt(1 - phi**2) * noise[:, day]
    return series


def with_gaps(rng: np.random.Generator, values: Array, most: float) -> Array:
    """Each series loses a share of its days of its own, up to `most`."""
    shares = rng.uniform(0, most, (len(values), 1))
    return np.where(rng.uniform(size=values.shape) < shares, np.nan, values)


def a_life(values: dict[str, Array]) -> PersonDays:
    """The outcomes are there in any case, empty when not given."""
    measures = tuple(dict.fromkeys((*OUTCOMES, *values)))
    length = len(next(iter(values.values())))
    empty = np.full(length, np.nan)
    return PersonDays(MONDAY, measures, np.array([values.get(name, empty) for name in measures]))
