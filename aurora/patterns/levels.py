"""Differences of level: of one weekday against the others, and since a day against before."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from aurora.events.catalogue import MEASURES
from aurora.patterns.discoveries import as_normal, level_of_chosen, q_values, quantile, two_sided_p
from aurora.patterns.findings import Found, Omitted, Pattern, stars, weak_end
from aurora.patterns.ranks import (
    Autocorrelation,
    average_ranks,
    days_apart,
    days_off_the_commonest,
    effective_n,
    residuals,
    week_design,
)
from aurora.patterns.series import Array, PersonDays
from aurora.patterns.specification import (
    FALSE_DISCOVERY_RATE,
    MIN_EFFECTIVE_N,
    MIN_PAIRS,
    MIN_SIDE_DAYS,
    MIN_VARYING_DAYS,
    MIN_WEEKDAYS,
    OUTCOMES,
    STARS_OF_DIFFERENCE,
    Kind,
    Outcome,
)

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LEVEL: Final = "level"


@dataclass(frozen=True)
class _Contrast:
    """Two groups of days of one outcome, and what the difference of their means is worth."""

    outcome: Outcome
    subject: str
    difference: float
    error: float
    spread: float
    days: int
    effective_n: float
    p: float
    changed_at: int | None = None

    def pattern(self, days: PersonDays, kind: Kind, q: float, alpha: float) -> Pattern:
        half = quantile(alpha, self.effective_n - 2) * self.error
        lower, upper = self.difference - half, self.difference + half
        return Pattern(
            kind=kind,
            outcome=self.outcome.name,
            subject=self.subject,
            estimate=self.difference,
            lower=lower,
            upper=upper,
            unit=MEASURES[self.outcome.measure].unit,
            difference=self.difference,
            days=self.days,
            effective_n=self.effective_n,
            p_value=self.p,
            q_value=q,
            stars=stars(weak_end(lower, upper) / self.spread, STARS_OF_DIFFERENCE),
            changed_on_date=None if self.changed_at is None else days.day(self.changed_at),
        )


def find_weekday_effects(days: PersonDays) -> Found:
    """Weekdays on which an outcome differs from the person's other days, a straight trend taken out."""
    contrasts: list[_Contrast] = []
    omitted: list[Omitted] = []
    for outcome in OUTCOMES.values():
        values = days.of(outcome.measure)
        problem = _too_little("weekday_effect", outcome, values)
        if problem:
            omitted.append(problem)
            continue
        trend = np.column_stack([np.ones(days.days), np.linspace(-1, 1, days.days)])
        level = residuals(values, trend)
        # The memory of what the weekdays leave: an effect of theirs must not look like memory.
        memory = Autocorrelation(residuals(values, week_design(days.weekdays)))
        for weekday in range(len(WEEKDAYS)):
            contrast = _weekday(days, outcome, weekday, level, memory)
            if isinstance(contrast, _Contrast):
                contrasts.append(contrast)
            else:
                omitted.append(contrast)
    return _found(days, "weekday_effect", contrasts, omitted)


def _weekday(
    days: PersonDays, outcome: Outcome, weekday: int, level: Array, memory: Autocorrelation
) -> _Contrast | Omitted:
    present, name = ~np.isnan(level), WEEKDAYS[weekday]
    here, others = present & (days.weekdays == weekday), present & (days.weekdays != weekday)
    if min(here.sum(), others.sum()) < MIN_WEEKDAYS:
        return Omitted("weekday_effect", outcome.name, name, "few_days", int(here.sum()))
    error, worth = _error_of_difference(level, here, others, memory)
    if worth < MIN_EFFECTIVE_N:
        return Omitted("weekday_effect", outcome.name, name, "few_independent_days", int(present.sum()))
    difference = float(level[here].mean() - level[others].mean())
    return _Contrast(
        outcome=outcome,
        subject=name,
        difference=difference,
        error=error,
        spread=_spread(level, here, others),
        days=int(present.sum()),
        effective_n=worth,
        p=two_sided_p(as_normal(difference / error, worth - 2)),
    )


def find_change_points(days: PersonDays) -> Found:
    """The one day from which on an outcome is at another level, if there is one (Pettitt 1979).

    The test is Pettitt's, in its limit: the largest rank sum away from a straight line, as a Brownian bridge of
    as many steps as the days are worth.
    """
    contrasts: list[_Contrast] = []
    omitted: list[Omitted] = []
    for outcome in OUTCOMES.values():
        values = days.of(outcome.measure)
        problem = _too_little("change_point", outcome, values)
        contrast = None if problem else _change(days, outcome)
        if contrast:
            contrasts.append(contrast)
        else:
            told = int((~np.isnan(values)).sum())
            omitted.append(
                problem or Omitted("change_point", outcome.name, LEVEL, "few_independent_days", told)
            )
    return _found(days, "change_point", contrasts, omitted)


def _change(days: PersonDays, outcome: Outcome) -> _Contrast | None:
    values = days.of(outcome.measure)
    week = week_design(days.weekdays, with_trend=False)
    ranks = residuals(average_ranks(values), week)
    places = np.flatnonzero(~np.isnan(ranks))
    sums = np.cumsum(ranks[places])
    n = len(places)
    inside = slice(MIN_SIDE_DAYS - 1, n - MIN_SIDE_DAYS)
    split = int(np.argmax(np.abs(sums[inside]))) + MIN_SIDE_DAYS
    present = ~np.isnan(ranks)
    after = present & (np.arange(days.days) >= places[split])
    before = present & ~after
    # The memory within each level: the change itself must not look like memory.
    steps = np.column_stack([week, after])
    left = residuals(average_ranks(values), steps)
    within, whole = Autocorrelation(left), Autocorrelation(ranks)
    # A split found by looking for it takes memory away with the change: of the first lag, the whole's counts too.
    modelled = np.maximum(within.modelled, whole.modelled)
    worth = float(effective_n(days_apart(present), measured=within.measured, modelled=modelled))
    if worth < MIN_EFFECTIVE_N:
        return None
    largest = abs(sums[split - 1]) / (np.nanstd(ranks) * n) * math.sqrt(worth)
    level = residuals(values, week)
    error, _ = _error_of_difference(level, after, before, Autocorrelation(residuals(values, steps)))
    return _Contrast(
        outcome=outcome,
        subject=LEVEL,
        difference=float(level[after].mean() - level[before].mean()),
        error=error,
        spread=_spread(level, after, before),
        days=n,
        effective_n=worth,
        p=p_of_bridge(largest),
        changed_at=int(places[split]),
    )


def p_of_bridge(largest: float) -> float:
    """That a Brownian bridge goes at least so far from zero somewhere (Kolmogorov 1933)."""
    if largest < 0.2:
        return 1.0
    return min(1.0, 2 * sum((-1) ** (k - 1) * math.exp(-2 * (k * largest) ** 2) for k in range(1, 101)))


def _too_little(kind: Kind, outcome: Outcome, values: Array) -> Omitted | None:
    told = int((~np.isnan(values)).sum())
    if told < max(MIN_PAIRS, 2 * MIN_SIDE_DAYS + 1):
        return Omitted(kind, outcome.name, LEVEL, "few_days", told)
    if days_off_the_commonest(values) < MIN_VARYING_DAYS:
        return Omitted(kind, outcome.name, LEVEL, "constant", told)
    return None


def _error_of_difference(
    level: Array, here: np.ndarray, others: np.ndarray, memory: Autocorrelation
) -> tuple[float, float]:
    """The standard error of the difference of two means of dependent days, and what the days are worth.

    Exactly, by the weights with which the days enter: neighbours on different sides take from one another, those
    on the same side add. Of both readings of the memory the larger error, and never less than of independent days.
    """
    weights = here / here.sum() - others / others.sum()
    independent = float(weights @ weights)
    lags = len(memory.measured)
    products = np.array([weights[: len(weights) - lag] @ weights[lag:] for lag in range(1, lags)])
    factor = max(
        1.0,
        1 + 2 * float(products @ memory.measured[1:]) / independent,
        1 + 2 * float(products @ memory.modelled[1:]) / independent,
    )
    spread = _spread(level, here, others)
    days = int(here.sum() + others.sum())
    return spread * math.sqrt(independent * factor), days / factor


def _spread(level: Array, here: np.ndarray, others: np.ndarray) -> float:
    """The standard deviation of the days within the two groups."""
    within = np.concatenate([level[here] - level[here].mean(), level[others] - level[others].mean()])
    return float(np.sqrt(within @ within / (len(within) - 2)))


def _found(days: PersonDays, kind: Kind, contrasts: list[_Contrast], omitted: list[Omitted]) -> Found:
    if not contrasts:
        return Found(omitted=tuple(omitted))
    q = q_values([contrast.p for contrast in contrasts])
    chosen = [(c, float(rate)) for c, rate in zip(contrasts, q, strict=True) if rate <= FALSE_DISCOVERY_RATE]
    alpha = level_of_chosen(FALSE_DISCOVERY_RATE, len(chosen), len(contrasts))
    patterns = tuple(contrast.pattern(days, kind, rate, alpha) for contrast, rate in chosen)
    return Found(patterns, len(contrasts), tuple(omitted))
