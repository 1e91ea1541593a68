"""Ranks, what the week and the season explain of them, and how many independent days a series is worth."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from aurora.patterns.series import Array, Mask

MAX_AUTOCORRELATION_LAG: Final = 28
_MIN_AT_LAG: Final = 10
_LARGEST_PHI: Final = 0.99


def average_ranks(values: Array) -> Array:
    """Ranks from 1, ties share their average; NaN stays NaN."""
    ranks = np.full(values.shape, np.nan)
    present = ~np.isnan(values)
    _, place, counts = np.unique(values[present], return_inverse=True, return_counts=True)
    ranks[present] = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return ranks


def week_design(weekdays: NDArray[np.int64], *, with_trend: bool = True) -> Array:
    """What is taken out of a series before it is compared: the mean of each weekday and a straight line."""
    columns = [weekdays == weekday for weekday in range(7)]
    if with_trend:
        columns.append(np.linspace(-1, 1, len(weekdays)))
    return np.column_stack(columns).astype(float)


def residuals(values: Array, design: Array) -> Array:
    """What the design leaves of a series, by least squares over the days that are there."""
    left = np.full(values.shape, np.nan)
    present = ~np.isnan(values)
    if present.any():
        known = design[present]
        left[present] = values[present] - known @ np.linalg.lstsq(known, values[present])[0]
    return left


def days_apart(present: Mask) -> Array:
    """How many pairs of present days lie 0, 1, 2, … days apart, as far as memory is looked at. Along the last axis."""
    lags = min(MAX_AUTOCORRELATION_LAG, present.shape[-1] - 1) + 1
    length = present.shape[-1] + lags  # room for the ends not to meet
    power = np.abs(np.fft.rfft(present, length)) ** 2
    return np.rint(np.fft.irfft(power, length)[..., :lags])


class Autocorrelation:
    """The autocorrelation of one series, read in two ways, because each errs where the other does not.

    `measured`: lag by lag, each over the pairs of days that are there. `modelled`: of a first-order process whose
    coefficient is corrected for the bias of a short series (Kendall 1954; Marriott & Pope 1954), in which a long
    memory shows that no single measured lag can prove.
    """

    def __init__(self, series: Array) -> None:
        present = ~np.isnan(series)
        centred = np.where(present, series - (np.nanmean(series) if present.any() else 0), 0)
        lags = min(MAX_AUTOCORRELATION_LAG, len(series) - 1) + 1
        pairs = days_apart(present)
        products = np.array([centred[: len(series) - lag] @ centred[lag:] for lag in range(lags)])
        variance = products[0] / max(pairs[0], 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = products / pairs / variance
        # Too few pairs to tell: taken for as long a memory as there is.
        self.measured = np.where(pairs >= _MIN_AT_LAG, np.clip(found, -1, 1), 1.0)
        self.measured[0] = 1.0
        phi = self.measured[1] if lags > 1 else 1.0
        corrected = min(max(phi + (2 + 4 * phi) / max(pairs[0], 1), 0), _LARGEST_PHI)
        self.modelled = corrected ** np.arange(lags)


def effective_n(pairs_apart: Array, *, measured: Array, modelled: Array) -> Array:
    """How many independent pairs of days these are worth (Bayley & Hammersley 1946), the smaller of two answers.

    `pairs_apart` as of `days_apart`: with gaps, neighbours are rarer and count less. The other two are products
    of two series' autocorrelations, along the last axis. Never more than the days themselves.
    """
    n = pairs_apart[..., 0]
    smallest = n.astype(float)
    for products in (measured, modelled):
        lags = products.shape[-1]
        weight = n + 2 * np.sum(pairs_apart[..., 1:lags] * products[..., 1:], axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            # A sum below n means negative autocorrelation: it earns nothing here.
            smallest = np.minimum(smallest, n * n / np.maximum(weight, n))
    return np.nan_to_num(smallest)


def days_off_the_commonest(values: Array) -> int:
    """Days on which a series is not at its most common value."""
    present = values[~np.isnan(values)]
    return len(present) - int(np.unique(present, return_counts=True)[1].max()) if len(present) else 0
