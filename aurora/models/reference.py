"""The reference of a model: what its training rows held, column by column, in histograms that hold nobody's row.

What a model is asked later is compared with it (`aurora/models/drift.py`). Ratings are given at other hours than
predictions are asked for, and most of what a vector says of a day depends on how much of it is over: so a histogram
is kept for each part of the day, and only the same parts are compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from aurora.events.measures import DAYPARTS
from aurora.models.metrics import Floats, Ints

BINS: Final = 10
"""Quantile bins of the known values: deciles, as is usual for the PSI. Equal values share one."""

PEOPLE_A_BIN: Final = 10
"""With fewer people there are fewer bins: χ² holds where several are to be expected in each (Cochran 1954)."""

UNKNOWN_HOUR: Final = "unknown"
PARTS: Final = (*DAYPARTS, UNKNOWN_HOUR)
"""The parts of the day, and vectors that know of none (precision `day`)."""

PREDICTION: Final = "prediction"
"""The column of the answers, beside those of the vector."""

HOUR: Final = "hour_of_day"
"""The feature that says at which part of the day a vector was asked for."""

_DECIMALS: Final = 6
_DIGITS: Final = 4


@dataclass(frozen=True)
class Histogram:
    """One column of the training rows.

    A bin reaches from the edge before, which it does not hold, to its own, which it does; the last has no end.
    `shares` has for each part of the day the share of each bin and, last, of the rows in which it was missing.
    `covariances` has the covariance of these shares, row by row from the diagonal on.
    """

    edges: tuple[float, ...]
    shares: dict[str, tuple[float, ...]]
    covariances: dict[str, tuple[float, ...]]

    @property
    def bins(self) -> int:
        """How many bins there are, that of the missing values included."""
        return len(self.edges) + 2

    def places(self, values: Floats) -> Ints:
        """The number of the bin of each value."""
        return _places(values, self.edges)

    def covariance(self, part: str) -> Floats:
        """The covariance of the shares of a part of the day: bins × bins."""
        matrix = np.zeros((self.bins, self.bins))
        matrix[np.triu_indices(self.bins)] = self.covariances[part]
        return matrix + np.triu(matrix, 1).T


@dataclass(frozen=True)
class Reference:
    """What a model was trained on: the people of each part of the day, and a histogram of each column."""

    people: dict[str, int]
    columns: dict[str, Histogram]


def reference_of(columns: Mapping[str, Floats], users: Ints, hours: Floats) -> Reference:
    """The reference of training rows.

    `columns` has the values of each column, one a row, NaN where missing; `users` whose each row is; `hours` the
    local hour of its moment, NaN where it is not known.
    """
    parts = parts_of(hours)
    found = {name: parts == number for number, name in enumerate(PARTS) if (parts == number).any()}
    return Reference(
        people={name: len(np.unique(users[rows])) for name, rows in found.items()},
        columns={name: _histogram(values, users, found) for name, values in columns.items()},
    )


def parts_of(hours: Floats) -> Ints:
    """The number of the part of the day, in PARTS, of each local hour."""
    ends = np.array([end for _, end in DAYPARTS.values()], dtype=np.float64)
    return np.where(np.isnan(hours), len(DAYPARTS), np.searchsorted(ends, hours, side="right")).astype(
        np.int64
    )


def covariance_by_person(rows: Floats, users: Ints) -> Floats:
    """The covariance of the means of rows of which those of one person are not independent: columns × columns.

    The sums of people around the mean instead of rows around it (the linearization of survey sampling, e.g.
    Skinner, Holt & Smith 1989), with P ÷ (P − 1) for few people.
    """
    _, number = np.unique(users, return_inverse=True)
    people = int(number.max()) + 1
    sums = np.column_stack([np.bincount(number, column, people) for column in (rows - rows.mean(axis=0)).T])
    return sums.T @ sums / len(rows) ** 2 * (people / max(people - 1, 1))


def _histogram(values: Floats, users: Ints, parts: Mapping[str, np.ndarray]) -> Histogram:
    known = values[~np.isnan(values)]
    # An edge is a value that was held, so that the many zeros of a count are one bin and not the border of two.
    bins = max(2, min(BINS, len(np.unique(users)) // PEOPLE_A_BIN))
    levels = np.arange(1, bins) / bins
    cuts = np.quantile(known, levels, method="inverted_cdf") if len(known) else np.array([])
    edges = tuple(float(cut) for cut in np.unique(cuts))
    places = _places(values, edges)
    shares: dict[str, tuple[float, ...]] = {}
    covariances: dict[str, tuple[float, ...]] = {}
    for name, rows in parts.items():
        members = np.eye(len(edges) + 2)[places[rows]]
        covariance = covariance_by_person(members, users[rows])
        shares[name] = tuple(round(float(share), _DECIMALS) for share in members.mean(axis=0))
        upper = covariance[np.triu_indices(len(covariance))]
        covariances[name] = tuple(float(f"{number:.{_DIGITS}g}") for number in upper)
    return Histogram(edges, shares, covariances)


def _places(values: Floats, edges: tuple[float, ...]) -> Ints:
    place = np.searchsorted(np.array(edges, dtype=np.float64), values, side="left")
    return np.where(np.isnan(values), len(edges) + 1, place).astype(np.int64)
