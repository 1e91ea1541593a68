"""Drift: whether what a model is asked, and what it answers, still looks like what it was trained on.

For each column the shares of the served rows are compared with those of the training rows (`reference.py`):

- PSI, the population stability index Σ (served − trained) · ln(served ÷ trained) over bins, missing values being one.
  It says how far: 0.1 and 0.25 as "some" and "much" are a rule of thumb of credit scoring (Siddiqi 2006), no theory.
- KS, the largest distance of the two distributions of known values, at the edges of the bins: at most the exact one.
- p, the chance of a difference like this where there is none. Of independent rows PSI is χ² with bins − 1 degrees of
  freedom, times 1/n + 1/m (Yurdakul 2018). Rows of one person are not independent: so Pearson's form of the same
  distance is referred to its distribution with the covariance between people (Rao & Scott 1981, 1984: two moments,
  and F for few people as Thomas & Rao 1987). Shuffling people instead would need the training rows, which an artifact
  must not carry.
- q, over all columns of one model on one day (Benjamini & Hochberg 1995).

Only the same parts of the day are compared. At night hardly anybody rates and the batch predicts: of what weeks say and
the hour does not, those rows are held against the training rows of all parts.

A column has moved when chance does not explain it and it is far enough to matter: both.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from aurora.features.catalogue import FEATURES
from aurora.models.metrics import Bools, Floats, Ints
from aurora.models.reference import (
    PARTS,
    Histogram,
    Reference,
    covariance_by_person,
    parts_of,
)
from aurora.patterns.discoveries import q_values

METHOD_VERSION: Final = 3
"""Of everything here and in `reference.py` that decides what has moved. A change of meaning is a new version."""

FALSE_DISCOVERY_RATE: Final = 0.01
"""Measured every day: of a hundred days on which nothing has moved, at most one says that something has."""

FAR_ENOUGH: Final = 0.1
"""The PSI from which on a column is called moved. With many people chance explains nothing, however small."""

FEWEST_PEOPLE: Final = 20
FEWEST_ROWS: Final = 40
"""Below, of the served rows or (people) of the training rows, nothing is said."""

WEEKS: Final = 27
"""Days of a window from which on it matters little how much of today is over."""

_MEANS: Final = frozenset({"mean", "ewma", "std"})
"""Aggregates to which a day that has only begun brings little, rather than too little."""

State = Literal["not_enough", "as_trained", "moved"]


@dataclass(frozen=True)
class ColumnDrift:
    """How one column of the served rows lies beside the training rows. Without enough rows, only how many."""

    column: str
    state: State
    rows: int
    people: int
    left_out_rows: int
    """Rows of parts of the day in which (nearly) nobody of the training rows was asked, where the hour matters."""
    effective_rows: float | None = None
    """How many independent rows the served ones are worth."""
    missing_share: float | None = None
    reference_missing_share: float | None = None
    psi: float | None = None
    psi_by_chance: float | None = None
    """What to expect of the PSI where nothing has moved."""
    ks: float | None = None
    """None where nobody knows a value, then or now."""
    p_value: float | None = None
    q_value: float | None = None
    shares: tuple[float, ...] = ()
    reference_shares: tuple[float, ...] = ()
    """Of the bins and, last, of what is missing; those of the reference at the hours of the served rows."""


@dataclass(frozen=True)
class Served:
    """Values that were served: of one column, one a row, NaN where missing; whose, and at which local hour."""

    values: Floats
    users: Ints
    hours: Floats


def hardly_knows_the_hour(name: str) -> bool:
    """Whether a feature says of one moment of a day what it says of another: it reads weeks, and no clock."""
    feature = FEATURES.get(name)
    if feature is None or len(feature.windows) < len(list(feature.formula.leaves())):
        return False
    return all(
        window.days >= WEEKS and (window.lag > 0 or window.aggregate in _MEANS) for window in feature.windows
    )


def measure_drift(
    reference: Reference,
    served: Mapping[str, Served],
    *,
    at_any_hour: Collection[str] = (),
    too_early: Collection[str] = (),
) -> list[ColumnDrift]:
    """The drift of each column that the reference has, in the order of `served`.

    Of the columns `at_any_hour` also rows of parts of the day count in which nobody of the training rows was asked.
    Of those that it is `too_early` to judge there are figures, and none has moved.
    """
    found = [
        _measured(name, rows, reference.columns[name], reference.people, at_any_hour=name in at_any_hour)
        for name, rows in served.items()
        if name in reference.columns
    ]
    tested = {drift.column: drift.p_value for drift in found if drift.p_value is not None}
    q_of = dict(zip(tested, map(float, q_values(list(tested.values()))), strict=True))
    return [_judged(drift, q_of.get(drift.column), too_early=drift.column in too_early) for drift in found]


def _judged(drift: ColumnDrift, q_value: float | None, *, too_early: bool) -> ColumnDrift:
    if q_value is None or drift.psi is None:
        return drift
    if too_early:
        return replace(drift, q_value=q_value)
    moved = q_value <= FALSE_DISCOVERY_RATE and drift.psi >= FAR_ENOUGH
    return replace(drift, q_value=q_value, state="moved" if moved else "as_trained")


def _measured(
    name: str, served: Served, histogram: Histogram, people: Mapping[str, int], *, at_any_hour: bool
) -> ColumnDrift:
    known_parts = [part for part in PARTS if people.get(part, 0) >= FEWEST_PEOPLE]
    all_people = sum(people[part] for part in known_parts)
    part_of_row = parts_of(served.hours)
    known = np.isin(part_of_row, [PARTS.index(part) for part in known_parts])
    kept = known | (at_any_hour and bool(known_parts))
    users, parts = served.users[kept], part_of_row[kept]
    rows, persons = int(kept.sum()), len(np.unique(users))
    drift = ColumnDrift(name, "not_enough", rows, persons, left_out_rows=len(kept) - rows)
    if rows < FEWEST_ROWS or persons < FEWEST_PEOPLE:
        return drift
    # Rows of other parts stand beside all that there are, as many people as each has.
    elsewhere = float((~known[kept]).mean())
    asked = {
        part: float((parts == PARTS.index(part)).mean()) + elsewhere * people[part] / all_people
        for part in known_parts
    }
    of_all = sum(np.array(histogram.shares[part]) * people[part] / all_people for part in known_parts)
    expected = np.array([histogram.shares[part] if part in asked else of_all for part in PARTS])[parts]
    members = np.eye(histogram.bins)[histogram.places(served.values[kept])]
    shares, reference = members.mean(axis=0), expected.mean(axis=0)
    # Of a mean over parts of the day the variance is at most the mean of theirs, however they go together.
    steadiness = sum(share * histogram.covariance(part) for part, share in asked.items())
    held = (shares > 0) | (reference > 0)
    then = _Side.of(
        reference, np.asarray(steadiness), held, sum(asked[part] * people[part] for part in asked)
    )
    between = covariance_by_person(members - expected, users)
    now = _Side.of(shares, between, held, _people_worth(users))
    p_value, psi_by_chance = _tested((shares - reference)[held], then, now)
    return replace(
        drift,
        effective_rows=min(now.rows, float(rows)),
        missing_share=float(shares[-1]),
        reference_missing_share=float(reference[-1]),
        psi=psi(now.smoothed, then.smoothed),
        psi_by_chance=psi_by_chance,
        ks=_distance_of_known(shares[:-1], reference[:-1]),
        p_value=p_value,
        shares=tuple(map(float, shares)),
        reference_shares=tuple(map(float, reference)),
    )


def psi(shares: Floats, reference: Floats) -> float:
    """The population stability index of two rows of shares, of which none is zero."""
    return float(((shares - reference) * np.log(shares / reference)).sum())


@dataclass(frozen=True)
class _Side:
    """One of the two that are compared: shares of the bins that either of them holds."""

    smoothed: Floats
    """With half an independent row more in every bin: one that happens to be empty is not impossible."""
    covariance: Floats
    rows: float
    """How many independent rows would have shares as steady as these."""
    people: float

    @classmethod
    def of(cls, shares: Floats, covariance: Floats, held: Bools, people: float) -> _Side:
        share, among = shares[held], covariance[np.ix_(held, held)]
        rows = _independent_rows(share, np.diag(among), people)
        smoothed = (share * rows + 0.5) / (rows + 0.5 * len(share))
        # What nobody has, or everybody, looks as if it could not be otherwise. So does a value that few miss: mostly
        # it is one's watch and not the day by which it is missing.
        unsure = (share == 0) | (share == 1)
        unsure[-1] |= held[-1]
        least = np.where(unsure, smoothed * (1 - smoothed) / people, 0.0)
        return cls(smoothed, among + np.diag(np.maximum(least - np.diag(among), 0.0)), rows, people)

    def weights_at(self, shares: Floats) -> Floats:
        """The covariance over the shares if the true shares were these, for both sides the same.

        At its own shares a side that happens to hold little of a bin would also look sure of it.
        """
        own = np.sqrt(shares * (1 - shares) / (self.smoothed * (1 - self.smoothed)))
        return self.covariance * np.outer(own, own) / np.sqrt(np.outer(shares, shares))


def _independent_rows(shares: Floats, variances: Floats, people: float) -> float:
    """The mean generalized design effect of Rao & Scott (1981): of n independent rows Σ variance ÷ share is
    (bins − 1) ÷ n.
    """
    # In a bin that holds everybody nothing varies, but for how variances are rounded.
    varying = (shares > 0) & (shares < 1) & (variances > 0)
    if not varying.any():
        return people
    return float((1 - shares[varying]).sum() / (variances[varying] / shares[varying]).sum())


def _tested(difference: Floats, then: _Side, now: _Side) -> tuple[float, float]:
    """The chance of a difference of shares at least as far as this one, and how far one is by chance.

    Pearson's Σ d² ÷ share is, where nothing has moved, a sum of χ² of one degree of freedom, weighted by the
    eigenvalues of the covariance over the shares.
    """
    # Dagster's code location reads the constants of this module: it need not hold SciPy.
    from scipy.special import fdtrc

    if len(difference) < 2:
        return 1.0, 0.0
    pooled = (then.rows * then.smoothed + now.rows * now.smoothed) / (then.rows + now.rows)
    weights_then, weights_now = then.weights_at(pooled), now.weights_at(pooled)
    mean = float(np.trace(weights_then) + np.trace(weights_now))
    freedom = mean**2 / float(((weights_then + weights_now) ** 2).sum())
    # Welch's: what each side varies by is known from its own people only.
    known = np.trace(weights_then) ** 2 / max(then.people - 1, 1) + np.trace(weights_now) ** 2 / max(
        now.people - 1, 1
    )
    ratio = float((difference**2 / pooled).sum()) / mean
    return float(fdtrc(freedom, freedom * mean**2 / float(known), ratio)), mean


def _people_worth(users: Ints) -> float:
    """How many people with equally many rows these people are worth."""
    _, counts = np.unique(users, return_counts=True)
    return float(counts.sum() ** 2 / (counts**2).sum())


def _distance_of_known(shares: Floats, reference: Floats) -> float | None:
    if shares.sum() <= 0 or reference.sum() <= 0:
        return None
    apart = np.cumsum(shares) / shares.sum() - np.cumsum(reference) / reference.sum()
    return float(np.abs(apart).max())
