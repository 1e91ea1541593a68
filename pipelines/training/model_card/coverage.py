"""How often ratings lay inside the interval that was stated for them: by promise and by slice, with bounds.

Each fold is judged by intervals that were calibrated on the folds before it. People are resampled, not rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from aurora.models.intervals import COVERAGE
from aurora.models.lift import LEAST_PEOPLE, RESAMPLES
from aurora.models.metrics import Ints
from pipelines.training.evaluation import HeldOut, honest_intervals, slices_of

PROMISES: Final = (0.5, 0.6, 0.7, 0.8, COVERAGE, 0.95)
EVERYBODY: Final = "everybody"


@dataclass(frozen=True)
class Share:
    """A share of rows with its 95 % interval over people; without one where fewer than five are judged."""

    value: float
    lower: float | None
    upper: float | None
    people: int
    rows: int


def share_of(inside: npt.NDArray[np.bool_], users: Ints, *, seed: int) -> Share | None:
    """The share of rows that are inside, and how far it would lie elsewhere with other people; None without
    rows.
    """
    if not len(users):
        return None
    _, place = np.unique(users, return_inverse=True)
    counts, hits = np.bincount(place), np.bincount(place, weights=inside)
    value = float(inside.mean())
    if len(counts) < LEAST_PEOPLE:
        return Share(value, None, None, len(counts), len(users))
    drawn = np.random.default_rng(seed).integers(0, len(counts), size=(RESAMPLES, len(counts)))
    low, high = np.quantile(hits[drawn].sum(axis=1) / counts[drawn].sum(axis=1), [0.025, 0.975])
    return Share(value, float(low), float(high), len(counts), len(users))


def coverage_by_slice(held_out: HeldOut) -> dict[str, Share]:
    """Of the intervals that the model states: everybody first, then each slice that has any."""
    intervals, seed = honest_intervals(held_out), held_out.rows.spec.seed
    members = {EVERYBODY: np.ones(len(held_out.number), dtype=bool)} | slices_of(held_out)
    found: dict[str, Share] = {}
    for name, member in members.items():
        chosen = member[intervals.judged]
        share = share_of(intervals.inside[chosen], held_out.users[intervals.judged[chosen]], seed=seed)
        if share is not None:
            found[name] = share
    return found


def coverage_by_promise(held_out: HeldOut) -> dict[float, Share]:
    """What intervals that promise more and less than the stated ones would have covered."""
    found: dict[float, Share] = {}
    for promise in PROMISES:
        intervals = honest_intervals(held_out, promise)
        share = share_of(intervals.inside, held_out.users[intervals.judged], seed=held_out.rows.spec.seed)
        if share is not None:
            found[promise] = share
    return found
