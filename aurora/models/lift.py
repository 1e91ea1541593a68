"""Lift: by how much one way of predicting is better than another, person by person, with an interval.

People are resampled, not rows: the ratings of one person are not independent, and a model that helps three
people who rate a lot has not been shown to help the fourth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aurora.models.metrics import Floats, Ints

RESAMPLES = 2000
LEAST_PEOPLE = 5
LEAST_ROWS_OF_A_PERSON = 10
"""From fewer ratings nothing is said about a single person."""


@dataclass(frozen=True)
class Lift:
    """The mean over people of (loss of the reference − loss of the candidate). Positive: the candidate is
    better.

    `relative` figures are shares of the reference's mean loss. `worse_p` is the bootstrap probability of a
    lift of zero or more: small means that the candidate is worse beyond doubt.
    """

    people: int
    rows: int
    mean: float
    lower: float
    upper: float
    relative: float
    relative_lower: float
    relative_upper: float
    worse_p: float


def user_lift(
    reference: Floats, candidate: Floats, users: Ints, *, seed: int, resamples: int = RESAMPLES
) -> Lift:
    """The lift of the candidate's losses over the reference's losses on the same rows, with its 95 %
    interval. Without rows it is nothing, and nobody's.
    """
    if not len(users):
        return Lift(0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    _, place = np.unique(users, return_inverse=True)
    counts = np.bincount(place)
    loss = np.bincount(place, weights=reference) / counts
    gain = loss - np.bincount(place, weights=candidate) / counts
    drawn = np.random.default_rng(seed).integers(0, len(counts), size=(resamples, len(counts)))
    gains = gain[drawn].mean(axis=1)
    shares = gains / np.maximum(loss[drawn].mean(axis=1), 1e-12)
    low, high = np.quantile(gains, [0.025, 0.975])
    share_low, share_high = np.quantile(shares, [0.025, 0.975])
    return Lift(
        people=len(counts),
        rows=len(users),
        mean=float(gain.mean()),
        lower=float(low),
        upper=float(high),
        relative=float(gain.mean() / max(loss.mean(), 1e-12)),
        relative_lower=float(share_low),
        relative_upper=float(share_high),
        worse_p=float((1 + (gains >= 0).sum()) / (resamples + 1)),
    )


def slice_lifts(
    reference: Floats,
    candidate: Floats,
    users: Ints,
    slices: Mapping[str, npt.NDArray[np.bool_]],
    *,
    seed: int,
) -> dict[str, Lift]:
    """The lift in each slice that holds enough people to say anything."""
    lifts = {}
    for name, member in slices.items():
        if len(np.unique(users[member])) >= LEAST_PEOPLE:
            lifts[name] = user_lift(reference[member], candidate[member], users[member], seed=seed)
    return lifts


def lift_by_user(reference: Floats, candidate: Floats, users: Ints) -> Floats:
    """The lift of each person, in the order of the sorted user numbers."""
    _, place = np.unique(users, return_inverse=True)
    return np.bincount(place, weights=reference - candidate) / np.bincount(place)


def error_by_user(reference: Floats, candidate: Floats, users: Ints) -> Floats:
    """The standard error of the lift of each person, in the order of `lift_by_user`; NaN for a single row.

    It takes the ratings of a person for independent. Those of neighbouring days are not quite, so it is
    rather too small.
    """
    _, place = np.unique(users, return_inverse=True)
    counts = np.bincount(place)
    off = reference - candidate - lift_by_user(reference, candidate, users)[place]
    variance = np.bincount(place, weights=off**2) / np.where(counts > 1, counts - 1, np.nan)
    return np.sqrt(variance / counts)


def people_better_served(
    reference: Floats,
    candidate: Floats,
    users: Ints,
    *,
    least_rows: int = LEAST_ROWS_OF_A_PERSON,
    errors: float = 1.0,
) -> Ints:
    """The users for whom the reference beats the candidate by more than `errors` standard errors of the
    difference.

    The margin is there because a coin would favour the reference for half of the people that a good model
    serves.
    """
    people, counts = np.unique(users, return_counts=True)
    gain = lift_by_user(reference, candidate, users)
    error = error_by_user(reference, candidate, users)
    return people[(counts >= least_rows) & (gain < 0) & (gain < -errors * error)]
