"""What is there is found, at its lag and with its sign; what cannot be known is said to be unknown."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from aurora.patterns.findings import Pattern, Search
from aurora.patterns.search import search, week_ended_by, window_of
from aurora.patterns.sentences import sentence_of
from aurora.patterns.series import DayValue, person_days
from aurora.patterns.specification import FACTORS, OUTCOMES, WINDOW_DAYS, lags_of
from tests.aurora.patterns.series import MONDAY, a_life, with_memory


def patterns_of(found: Search, kind: str, outcome: str) -> list[Pattern]:
    return [pattern for pattern in found.patterns if (pattern.kind, pattern.outcome) == (kind, outcome)]


def drawn(seed: int, count: int = 3, phi: float = 0.3) -> np.ndarray:
    return with_memory(np.random.default_rng(seed), np.full(count, phi))


@pytest.mark.parametrize(("lag", "sign"), [(1, 1), (2, -1), (5, 1), (7, -1)])
def test_a_planted_effect_is_found_at_its_lag_with_its_sign(lag: int, sign: int) -> None:
    steps, noise, other = drawn(lag)
    energy = noise.copy()
    energy[lag:] += sign * 0.8 * steps[:-lag]

    found = search(a_life({"energy": energy, "steps": steps, "stress": other}))

    # Steps of neighbouring days are alike, so that the same day may go along with it too; it is told as such.
    pattern = max(patterns_of(found, "lagged_correlation", "energy"), key=lambda one: abs(one.estimate))
    assert (pattern.subject, pattern.lag_days, pattern.timing) == ("steps", lag, "before")
    assert np.sign(pattern.estimate) == sign == np.sign(pattern.lower) == np.sign(pattern.upper)
    assert pattern.lower < pattern.estimate < pattern.upper
    assert pattern.difference is not None
    assert np.sign(pattern.difference) == sign


def test_most_moderate_effects_are_found_in_half_a_year() -> None:
    found = 0
    for seed in range(30):
        deep, noise, _ = drawn(seed)
        life = a_life({"energy": 0.5 * deep + noise, "sleep_deep_minutes": deep})
        found += any(p.subject == "sleep_deep_minutes" and p.lag_days == 0 for p in search(life).patterns)

    assert found >= 27


def test_what_happens_on_the_day_itself_is_never_told_as_before() -> None:
    work, noise, _ = drawn(4)
    found = search(a_life({"mood": noise - work, "work_minutes": work}))

    [pattern] = patterns_of(found, "lagged_correlation", "mood")
    assert (pattern.lag_days, pattern.timing) == (0, "same_day")
    assert "which came first is not known" in sentence_of(pattern)


@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=OUTCOMES)
@pytest.mark.parametrize("factor", FACTORS)
def test_a_factor_precedes_its_outcome_unless_it_is_told_as_of_the_same_day(
    factor: str, outcome: object
) -> None:
    assert isinstance(outcome, type(OUTCOMES["energy"]))
    before, same_day = lags_of(factor, outcome, "before"), lags_of(factor, outcome, "same_day")

    assert max(before, default=0) in {0, 7}
    assert not set(before) & set(same_day)
    if 0 in before:
        assert factor.startswith(("main_sleep", "sleep_"))
        assert not outcome.is_night
    if outcome.is_night:
        assert same_day == ()


def test_weekdays_that_differ_are_found_and_told_in_units() -> None:
    energy = 5 + drawn(5, 1)[0]
    energy[5::7] += 2.0

    [best, *_] = patterns_of(search(a_life({"energy": energy})), "weekday_effect", "energy")

    assert best.subject == "saturday"
    assert best.estimate == pytest.approx(2.0, abs=0.5)
    assert best.lower < 2.0 < best.upper
    assert "On Saturdays your energy tends to be higher than on other days, by 1.8 points" in sentence_of(
        best
    )


def test_a_change_of_level_is_dated_and_told_in_units() -> None:
    sleep = 420 + 30 * drawn(6, 1)[0]
    sleep[110:] -= 45

    [pattern] = patterns_of(search(a_life({"main_sleep_minutes": sleep})), "change_point", "sleep")

    assert pattern.changed_on_date is not None
    # The day is an estimate: with a step of 1.5 standard deviations it lies within a week or so.
    assert abs((pattern.changed_on_date - MONDAY).days - 110) <= 8
    assert pattern.lower < -45 < pattern.upper
    assert "you have slept less than before, by" in sentence_of(pattern)


def test_a_constant_or_sparse_series_is_left_out_and_said_to_be() -> None:
    energy = 5 + drawn(7, 1)[0]
    steps = np.full(WINDOW_DAYS, 4000.0)
    alcohol = np.full(WINDOW_DAYS, np.nan)
    alcohol[::12] = 20.0

    found = search(a_life({"energy": energy, "steps": steps, "alcohol": alcohol}))

    reasons = {(one.subject, one.reason) for one in found.omitted if one.outcome == "energy"}
    assert reasons >= {("steps", "constant"), ("alcohol", "few_days")}
    assert found.tested["lagged_correlation"] == 0


def test_days_that_are_worth_too_few_independent_ones_are_not_judged() -> None:
    walk = np.cumsum(np.random.default_rng(8).normal(size=(2, WINDOW_DAYS)), axis=1)

    found = search(a_life({"energy": walk[0], "weight": walk[1]}))

    assert found.patterns == ()
    assert ("weight", "few_independent_days") in {(one.subject, one.reason) for one in found.omitted}


def test_without_any_day_nothing_is_tested() -> None:
    found = search(person_days(*window_of(date(2026, 11, 22)), [], []))

    assert (found.patterns, sum(found.tested.values()), found.told_days) == ((), 0, 0)


def test_the_best_comes_first_and_the_same_days_say_the_same() -> None:
    steps, noise, _ = drawn(9)
    energy = noise.copy()
    energy[1:] += 2 * steps[:-1]
    energy[6::7] += 3
    life = a_life({"energy": energy, "steps": steps})

    found = search(life)

    assert found == search(life)
    assert all(first.stars >= second.stars for first, second in pairwise(found.patterns))
    assert len({pattern.kind for pattern in found.patterns}) > 1


def test_missing_is_not_zero_except_for_counts_between_the_first_and_the_last() -> None:
    told = [MONDAY + timedelta(days=day) for day in (0, 1, 2, 3, 5)]
    values = [
        DayValue(MONDAY + timedelta(days=1), "social_events", 2),
        DayValue(MONDAY + timedelta(days=5), "social_events", 1),
        DayValue(MONDAY + timedelta(days=1), "caffeine", 80),
        DayValue(MONDAY + timedelta(days=5), "caffeine", 40),
    ]

    days = person_days(MONDAY, MONDAY + timedelta(days=6), values, told)

    nan = np.nan
    np.testing.assert_array_equal(days.of("social_events"), [nan, 2, 0, 0, nan, 1, nan])
    np.testing.assert_array_equal(days.of("caffeine"), [nan, 80, nan, nan, nan, 40, nan])


@pytest.mark.parametrize(
    ("instant", "week"),
    [
        (datetime(2026, 11, 23, 11, 59, tzinfo=UTC), date(2026, 11, 15)),
        (datetime(2026, 11, 23, 12, tzinfo=UTC), date(2026, 11, 22)),
        (datetime(2026, 11, 24, 4, tzinfo=UTC), date(2026, 11, 22)),
        (datetime(2026, 11, 30, 0, tzinfo=UTC), date(2026, 11, 22)),
    ],
)
def test_a_week_is_over_when_its_sunday_is_over_everywhere(instant: datetime, week: date) -> None:
    assert week_ended_by(instant) == week
    assert week.weekday() == 6
