"""What is there is found, at its lag and with its sign; what cannot be known is said to be unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from aurora.patterns.findings import Pattern, Search
from aurora.patterns.search import search, week_ended_by, window_of
from aurora.patterns.sentences import sentence_of
from aurora.patterns.series import DayValue, person_days
from aurora.patterns.specification import FACTORS, OUTCOMES, WINDOW_DAYS, Outcome, lags_of
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


@pytest.mark.parametrize("outcome", ["energy", "mood"])
def test_of_the_same_day_only_what_was_told_of_the_night_without_being_rated_came_before(
    outcome: str,
) -> None:
    before = {factor for factor in FACTORS if 0 in lags_of(factor, OUTCOMES[outcome], "before")}

    assert before == {
        "main_sleep_minutes",
        "sleep_deep_minutes",
        "sleep_rem_minutes",
        "sleep_awake_minutes",
        "sleep_efficiency",
    }


@pytest.mark.parametrize("outcome", ["energy", "mood"])
@pytest.mark.parametrize("rated", ["sleep_quality", "stress", "energy", "mood"])
def test_what_is_rated_is_compared_with_a_rating_of_another_day_only(rated: str, outcome: str) -> None:
    later = () if rated == outcome else tuple(range(1, 8))

    assert lags_of(rated, OUTCOMES[outcome], "before") == later
    assert lags_of(rated, OUTCOMES[outcome], "same_day") == ()


@pytest.mark.parametrize("factor", FACTORS)
def test_a_night_follows_the_day_before(factor: str) -> None:
    sleep = OUTCOMES["sleep"]

    assert lags_of(factor, sleep, "before") in {(), tuple(range(1, 8))}
    assert lags_of(factor, sleep, "same_day") == ()


@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=OUTCOMES)
@pytest.mark.parametrize("factor", FACTORS)
def test_no_lag_is_told_as_before_and_as_of_the_same_day(factor: str, outcome: Outcome) -> None:
    assert not set(lags_of(factor, outcome, "before")) & set(lags_of(factor, outcome, "same_day"))


def test_a_night_told_in_the_form_of_the_rating_is_compared_with_other_days_only() -> None:
    deep, noise, other = drawn(10)
    form = np.ones(WINDOW_DAYS, dtype=bool)
    values = {"energy": deep + 0.5 * noise, "mood": deep + 0.5 * other, "sleep_deep_minutes": deep}
    found = search(replace(a_life(values), in_one_form={"energy": form}))

    links = {(one.outcome, one.lag_days) for one in found.patterns if one.subject == "sleep_deep_minutes"}
    assert ("mood", 0) in links
    assert ("energy", 0) not in links


def test_days_on_which_night_and_rating_came_in_one_form_are_left_out_one_by_one() -> None:
    deep, noise, _ = drawn(11)
    form = np.arange(WINDOW_DAYS) % 2 == 0
    energy = np.where(form, -deep, deep) + 0.3 * noise
    found = search(
        replace(a_life({"energy": energy, "sleep_deep_minutes": deep}), in_one_form={"energy": form})
    )

    [pattern] = [one for one in found.patterns if one.subject == "sleep_deep_minutes" and one.lag_days == 0]
    assert (pattern.days, pattern.direction) == (WINDOW_DAYS // 2, "higher")
    assert pattern.difference is not None
    assert pattern.difference > 0.8


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
