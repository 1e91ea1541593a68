"""From p-values to discoveries: false discovery rate, and intervals that are honest about having been chosen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Final

import numpy as np

from aurora.patterns.series import Array

_NORMAL: Final = NormalDist()
_FIELLER: Final = 1.06
"""Variance of Fisher's z of a rank correlation where there is none: 1.06 ÷ (n − 3) (Fieller, Hartley & Pearson
1957)."""


def two_sided_p(z: float) -> float:
    return math.erfc(abs(z) / math.sqrt(2))


def p_of_rank_correlation(rho: float, freedom: float) -> float:
    """That a rank correlation of none looks like this or stronger; `freedom` stands in the place of n − 3."""
    return two_sided_p(_fisher(rho) * math.sqrt(freedom / _FIELLER))


def interval_of_rank_correlation(rho: float, freedom: float, alpha: float) -> tuple[float, float]:
    """By Fisher's z with the variance of Bonett & Wright (2000)."""
    # Never narrower than the test: an interval that excludes zero belongs to a correlation that was found.
    half = quantile(alpha) * math.sqrt(max(1 + rho * rho / 2, _FIELLER) / freedom)
    return math.tanh(_fisher(rho) - half), math.tanh(_fisher(rho) + half)


def quantile(alpha: float, freedom: float = math.inf) -> float:
    """How many standard errors a two-sided interval of level 1 − alpha reaches to either side."""
    z = -_NORMAL.inv_cdf(max(alpha, 1e-300) / 2)
    if math.isinf(freedom):
        return z
    # The inverse of `as_normal`, so that an interval and its test agree.
    return z / math.sqrt(max((1 - 1 / (4 * freedom)) ** 2 - z * z / (2 * freedom), 1e-9))


def as_normal(t: float, freedom: float) -> float:
    """The normal deviate that is as rare as Student's t (Abramowitz & Stegun 26.7.8)."""
    return t * (1 - 1 / (4 * freedom)) / math.sqrt(1 + t * t / (2 * freedom))


def q_values(p_values: Sequence[float]) -> Array:
    """Benjamini & Hochberg (1995): the smallest false discovery rate at which each is still a discovery."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p)
    steps = p[order] * len(p) / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0)
    return q


def level_of_chosen(rate: float, found: int, tested: int, tries: int = 1) -> float:
    """The alpha of the interval of each of `found` discoveries among `tested` (Benjamini & Yekutieli 2005).

    An interval around what was chosen for being large lies too far out; at this level at most a share of `rate` of
    all intervals that are shown miss. `tries`: each was the best of so many.
    """
    return rate * found / (tested * tries)


def _fisher(rho: float) -> float:
    return math.atanh(max(-0.999999, min(0.999999, rho)))
