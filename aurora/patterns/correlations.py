"""Lagged correlations: does more of this go along with a better or worse that, up to a week later?

Of each factor and outcome the strongest lag is judged, and pays for having been chosen: its p-value is multiplied
by the number of lags (Bonferroni, which holds whatever the lags have to do with one another). Over the pairs of a
person the false discovery rate is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aurora.patterns.discoveries import (
    interval_of_rank_correlation,
    level_of_chosen,
    p_of_rank_correlation,
    q_values,
)
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
from aurora.patterns.series import Array, Mask, PersonDays
from aurora.patterns.specification import (
    FALSE_DISCOVERY_RATE,
    MIN_EFFECTIVE_N,
    MIN_PAIRS,
    MIN_VARYING_DAYS,
    OUTCOMES,
    STARS_OF_LINK,
    Outcome,
    Timing,
    is_of_night,
    lags_of,
)

CONTROLS = 7
"""Degrees of freedom that six weekdays and a straight line take, beyond the mean."""
_FISHER = 3
_TIMINGS: tuple[Timing, ...] = ("before", "same_day")


@dataclass(frozen=True)
class _Tried:
    """One factor, outcome and lag."""

    lag: int
    rho: float
    days: int
    effective_n: float

    @property
    def freedom(self) -> float:
        return self.effective_n - CONTROLS - _FISHER

    @property
    def p(self) -> float:
        return p_of_rank_correlation(self.rho, self.freedom)


@dataclass(frozen=True)
class _Pair:
    """The best lag of a factor and an outcome, with what it costs to have chosen it."""

    factor: str
    outcome: Outcome
    timing: Timing
    best: _Tried
    tries: int

    @property
    def p(self) -> float:
        return min(1.0, self.best.p * self.tries)


@dataclass(frozen=True)
class _AtLag:
    """Of every factor at one lag: correlation, days in common, how many independent ones these are worth."""

    lag: int
    rho: Array
    days: Array
    effective_n: Array

    def of(self, row: int) -> _Tried:
        return _Tried(self.lag, float(self.rho[row]), int(self.days[row]), float(self.effective_n[row]))


class _Prepared:
    """Every series of a person as ranks without the week and the season, and its memory."""

    def __init__(self, days: PersonDays) -> None:
        self.days = days
        design = week_design(days.weekdays)
        self.ranks = np.array([residuals(average_ranks(row), design) for row in days.values])
        memories = [Autocorrelation(row) for row in self.ranks]
        self.measured = np.array([memory.measured for memory in memories])
        self.modelled = np.array([memory.modelled for memory in memories])

    def at(self, outcome: Outcome, lag: int) -> _AtLag:
        length, place = self.days.days, self.days.measures.index(outcome.measure)
        factors, target = self.ranks[:, : length - lag], self.ranks[place, lag:]
        apart = [_is_told_apart(self.days, factor, outcome, lag) for factor in self.days.measures]
        common = ~np.isnan(factors) & ~np.isnan(target) & np.array(apart)
        n = common.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            x = np.where(common, factors, 0)
            y = np.where(common, target, 0)
            x = np.where(common, x - (x.sum(axis=1) / n)[:, None], 0)
            y = np.where(common, y - (y.sum(axis=1) / n)[:, None], 0)
            rho = (x * y).sum(axis=1) / np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
        lags = min(self.measured.shape[1], length - lag)
        worth = effective_n(
            days_apart(common),
            measured=(self.measured * self.measured[place])[:, :lags],
            modelled=(self.modelled * self.modelled[place])[:, :lags],
        )
        return _AtLag(lag, rho, n, worth)


def find_correlations(days: PersonDays) -> Found:
    """The lagged correlations of one person."""
    prepared = _Prepared(days)
    varying = {name: days_off_the_commonest(days.of(name)) for name in days.measures}
    pairs: list[_Pair] = []
    omitted: list[Omitted] = []
    for outcome in OUTCOMES.values():
        by_lag: dict[int, _AtLag] = {}
        for row, factor in enumerate(days.measures):
            for timing in _TIMINGS:
                lags = lags_of(factor, outcome, timing)
                if not lags:
                    continue
                for lag in lags:
                    if lag not in by_lag:
                        by_lag[lag] = prepared.at(outcome, lag)
                verdict = _judge(factor, outcome, timing, [by_lag[lag].of(row) for lag in lags], varying)
                if isinstance(verdict, _Pair):
                    pairs.append(verdict)
                else:
                    omitted.append(verdict)
    return Found(tuple(_discoveries(days, pairs)), len(pairs), tuple(omitted))


def _judge(
    factor: str, outcome: Outcome, timing: Timing, tried: list[_Tried], varying: dict[str, int]
) -> _Pair | Omitted:
    most = max(one.days for one in tried)
    enough = [one for one in tried if one.days >= MIN_PAIRS]
    judged = [one for one in enough if one.effective_n >= MIN_EFFECTIVE_N and np.isfinite(one.rho)]
    if not enough:
        return Omitted("lagged_correlation", outcome.name, factor, "few_days", most)
    if min(varying[factor], varying[outcome.measure]) < MIN_VARYING_DAYS:
        return Omitted("lagged_correlation", outcome.name, factor, "constant", most)
    if not judged:
        return Omitted("lagged_correlation", outcome.name, factor, "few_independent_days", most)
    return _Pair(factor, outcome, timing, min(judged, key=lambda one: one.p), len(judged))


def _is_told_apart(days: PersonDays, factor: str, outcome: Outcome, lag: int) -> Mask:
    """Of each pair of days, whether the outcome was told in another form than the night before it was."""
    in_one_form = days.in_one_form.get(outcome.measure)
    if lag or in_one_form is None or not is_of_night(factor):
        return np.ones(days.days - lag, dtype=bool)
    return ~in_one_form


def _discoveries(days: PersonDays, pairs: list[_Pair]) -> list[Pattern]:
    if not pairs:
        return []
    q = q_values([pair.p for pair in pairs])
    found = [(pair, float(rate)) for pair, rate in zip(pairs, q, strict=True) if rate <= FALSE_DISCOVERY_RATE]
    return [_pattern(days, pair, rate, len(found), len(pairs)) for pair, rate in found]


def _pattern(days: PersonDays, pair: _Pair, q: float, found: int, tested: int) -> Pattern:
    best = pair.best
    alpha = level_of_chosen(FALSE_DISCOVERY_RATE, found, tested, pair.tries)
    lower, upper = interval_of_rank_correlation(best.rho, best.freedom, alpha)
    above, difference = _difference(days, pair)
    return Pattern(
        kind="lagged_correlation",
        outcome=pair.outcome.name,
        subject=pair.factor,
        estimate=best.rho,
        lower=lower,
        upper=upper,
        unit="rho",
        difference=difference,
        days=best.days,
        effective_n=best.effective_n,
        p_value=pair.p,
        q_value=q,
        stars=stars(weak_end(lower, upper), STARS_OF_LINK),
        lag_days=best.lag,
        timing=pair.timing,
        above=above,
    )


def _difference(days: PersonDays, pair: _Pair) -> tuple[float | None, float | None]:
    """The factor's median, and by how much the outcome of days above it differs from that of the others.

    Both without the week and the season. None where means point another way than ranks.
    """
    lag, design = pair.best.lag, week_design(days.weekdays)
    factor = days.of(pair.factor)[: days.days - lag]
    target = residuals(days.of(pair.outcome.measure), design)[lag:]
    common = ~np.isnan(factor) & ~np.isnan(target) & _is_told_apart(days, pair.factor, pair.outcome, lag)
    factor, target = factor[common], target[common]
    above = float(np.median(factor))
    much = factor > above
    if not much.any() or much.all():
        return None, None
    difference = float(target[much].mean() - target[~much].mean())
    return (above, difference) if difference * pair.best.rho > 0 else (None, None)
