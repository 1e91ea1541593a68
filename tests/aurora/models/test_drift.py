"""Drift on made-up people, of whom it is known whether they have moved."""

from __future__ import annotations

import numpy as np
import pytest

from aurora.models.drift import (
    FALSE_DISCOVERY_RATE,
    FEWEST_PEOPLE,
    ColumnDrift,
    Served,
    hardly_knows_the_hour,
    measure_drift,
    psi,
)
from aurora.models.metrics import Floats, Ints
from aurora.models.reference import PARTS, Reference, parts_of, reference_of

COLUMNS = ("level", "worn", "zeros", "count", "same_for_ever", "noise")
EVENING = 20.0


def days_of(
    people: int, days: int, seed: int, *, shift: float = 0.0, unworn: float = 0.1
) -> tuple[dict[str, Floats], Ints]:
    """Columns of rows of people who differ from one another more than from themselves, and whose each row is."""
    rng = np.random.default_rng(seed)
    users = np.repeat(np.arange(people), rng.poisson(days, people) + 1)
    size, own = len(users), rng.normal(size=(3, people))
    wears = (rng.random(people) > unworn)[users]
    return {
        "level": 0.95 * own[0][users] + 0.3 * rng.normal(size=size) + shift,
        "worn": np.where(wears, own[1][users] + rng.normal(size=size), np.nan),
        "zeros": np.maximum(own[2][users] + 0.5 * rng.normal(size=size) - 0.6, 0.0),
        "count": rng.poisson(2.0, size).astype(float),
        "same_for_ever": own[1][users],
        "noise": rng.normal(size=size),
    }, users


def a_reference(people: int = 60, seed: int = 1, hour: float = EVENING) -> Reference:
    columns, users = days_of(people, 40, seed)
    return reference_of(columns, users, np.full(len(users), hour))


def served(columns: dict[str, Floats], users: Ints, hour: float = EVENING) -> dict[str, Served]:
    return {name: Served(values, users, np.full(len(users), hour)) for name, values in columns.items()}


def measured(
    reference: Reference, *, people: int = 60, seed: int = 1_000, **changes: float
) -> dict[str, ColumnDrift]:
    columns, users = days_of(people, 6, seed, **changes)
    return {drift.column: drift for drift in measure_drift(reference, served(columns, users))}


def moved(found: dict[str, ColumnDrift]) -> set[str]:
    return {name for name, drift in found.items() if drift.state == "moved"}


@pytest.mark.parametrize("people", [25, 60, 150])
def test_people_who_live_as_before_hardly_ever_raise_an_alarm(people: int) -> None:
    days = 100
    alarms = sum(
        bool(moved(measured(a_reference(people=60, seed=day), people=people, seed=10_000 + day)))
        for day in range(days)
    )

    # Of independent days at most one in a hundred; more than three of them are seen once in fifty such tests.
    assert alarms <= 3 * days * FALSE_DISCOVERY_RATE


def test_rows_taken_as_independent_would_raise_an_alarm_on_most_days() -> None:
    alarms = 0
    for day in range(20):
        columns, users = days_of(60, 40, day)
        reference = reference_of(columns, np.arange(len(users)), np.full(len(users), EVENING))
        asked, people = days_of(60, 6, 10_000 + day)
        alarms += any(
            drift.state == "moved"
            for drift in measure_drift(reference, served(asked, np.arange(len(people))))
        )

    assert alarms > 10


def test_chances_are_what_they_say_whether_rows_hang_together_or_not() -> None:
    found = [
        drift.p_value
        for day in range(100)
        for drift in measured(a_reference(seed=day), seed=10_000 + day).values()
    ]

    assert np.mean(np.array(found, dtype=float) <= 0.05) == pytest.approx(0.05, abs=0.03)


def test_a_feature_that_moved_is_found_and_no_other() -> None:
    found = measured(a_reference(), shift=1.5)

    assert moved(found) == {"level"}
    assert (found["level"].psi or 0) > 0.25
    assert (found["level"].ks or 0) > 0.3
    assert found["level"].missing_share == found["level"].reference_missing_share == 0.0


def test_a_source_that_fell_silent_is_seen_by_what_is_missing() -> None:
    found = measured(a_reference(), unworn=0.7)

    assert moved(found) == {"worn"}
    assert (found["worn"].missing_share or 0) > 0.5
    assert (found["worn"].reference_missing_share or 1) < 0.2
    assert (found["worn"].ks or 1) < 0.3, "who still wears a watch sleeps as before"


def test_a_column_that_nobody_has_any_more_has_moved_without_a_distance() -> None:
    columns, users = days_of(60, 6, 1_000)
    columns["noise"] = np.full(len(users), np.nan)

    (drift,) = measure_drift(a_reference(), served({"noise": columns["noise"]}, users))

    assert (drift.state, drift.ks, drift.missing_share) == ("moved", None, 1.0)


def test_a_constant_that_stays_is_as_trained_and_one_that_changes_has_moved() -> None:
    users = np.repeat(np.arange(60), 10)
    hours = np.full(len(users), EVENING)
    reference = reference_of({"zone": np.zeros(len(users))}, users, hours)

    (stays,) = measure_drift(reference, {"zone": Served(np.zeros(len(users)), users, hours)})
    (changes,) = measure_drift(reference, {"zone": Served(np.ones(len(users)), users, hours)})

    assert (stays.state, stays.psi, stays.p_value) == ("as_trained", 0.0, 1.0)
    assert changes.state == "moved"


def test_one_person_who_is_asked_all_day_moves_nothing() -> None:
    columns, users = days_of(60, 6, 1_000)
    columns["noise"] = np.concatenate([columns["noise"], np.full(400, 9.0)])
    users = np.concatenate([users, np.zeros(400, dtype=users.dtype)])

    (drift,) = measure_drift(a_reference(), served({"noise": columns["noise"]}, users))

    assert drift.state == "as_trained"
    assert (drift.effective_rows or drift.rows) < drift.rows / 20


def test_too_few_people_are_counted_and_nothing_is_said_of_them() -> None:
    found = measured(a_reference(), people=FEWEST_PEOPLE - 1, shift=9.0)

    assert {drift.state for drift in found.values()} == {"not_enough"}
    assert found["level"].people == FEWEST_PEOPLE - 1
    assert (found["level"].psi, found["level"].q_value, found["level"].shares) == (None, None, ())


def test_a_column_of_which_everybody_is_beyond_the_last_edge_has_moved_far() -> None:
    # Three bins: each holds a third of the reference, which no binary number is.
    columns, users = days_of(30, 60, 1)
    reference = reference_of(columns, users, np.full(len(users), EVENING))
    asked, people = days_of(30, 4, 1_000, shift=9.0)

    (level,) = measure_drift(reference, served({"level": asked["level"]}, people))

    assert level.shares[-2:] == (1.0, 0.0)
    assert level.state == "moved"
    assert (level.psi or 0) > 1


def test_of_what_is_too_early_to_judge_there_are_figures() -> None:
    columns, users = days_of(60, 6, 1_000, shift=9.0)

    found = {
        drift.column: drift
        for drift in measure_drift(a_reference(), served(columns, users), too_early=["level"])
    }

    assert (found["level"].state, found["noise"].state) == ("not_enough", "as_trained")
    assert (found["level"].psi or 0) > 1
    assert found["level"].q_value == pytest.approx(0, abs=FALSE_DISCOVERY_RATE)


def test_a_model_of_too_few_people_says_nothing() -> None:
    found = measured(a_reference(people=FEWEST_PEOPLE - 1), shift=9.0)

    assert {drift.state for drift in found.values()} == {"not_enough"}


def test_another_mixture_of_hours_is_no_drift_and_hours_of_nobody_are_left_out() -> None:
    rng = np.random.default_rng(1)
    users = np.repeat(np.arange(60), 40)
    hours = rng.choice([9.0, 20.0], len(users), p=[0.9, 0.1])
    reference = reference_of({"awake": hours + rng.normal(size=len(users))}, users, hours)
    people = np.repeat(np.arange(60), 6)
    asked = rng.choice([9.0, 20.0, np.nan], len(people), p=[0.1, 0.8, 0.1])

    (drift,) = measure_drift(
        reference, {"awake": Served(np.nan_to_num(asked) + rng.normal(size=len(people)), people, asked)}
    )

    assert drift.state == "as_trained"
    assert drift.left_out_rows == np.isnan(asked).sum()
    assert drift.rows + drift.left_out_rows == len(people)


def test_at_hours_of_nobody_only_what_the_hour_hardly_changes_is_compared() -> None:
    columns, users = days_of(60, 6, 1_000, shift=1.0)
    at_night = served(columns, users, hour=2.0)

    weeks = {
        drift.column: drift
        for drift in measure_drift(a_reference(), at_night, at_any_hour=["level", "noise"])
    }

    assert moved(weeks) == {"level"}
    assert (weeks["noise"].state, weeks["noise"].left_out_rows) == ("as_trained", 0)
    assert (weeks["worn"].state, weeks["worn"].left_out_rows) == ("not_enough", len(users))


def test_at_hours_of_nobody_who_lives_as_before_hardly_ever_raises_an_alarm() -> None:
    alarms = 0
    for seed in range(30):
        columns, users = days_of(60, 6, 1_000 + seed)
        asked = served(columns, users, hour=2.0)
        alarms += any(
            drift.state == "moved"
            for drift in measure_drift(a_reference(seed=seed), asked, at_any_hour=COLUMNS)
        )

    assert alarms <= 1


@pytest.mark.parametrize(
    ("name", "hardly"),
    [
        ("energy_ewma_28d", True),
        ("caffeine_daily_27d", True),
        ("avg_sleep_last_7d", False),
        ("work_minutes_sum_1d", False),
        ("energy_daypart_mean_28d", False),
        ("hour_of_day", False),
        ("prediction", False),
    ],
)
def test_what_reads_weeks_and_no_clock_hardly_knows_the_hour(name: str, hardly: bool) -> None:
    assert hardly_knows_the_hour(name) == hardly


def test_a_reference_holds_shares_of_each_part_of_the_day() -> None:
    columns, users = days_of(100, 40, 1)
    reference = reference_of(columns, users, np.full(len(users), np.nan))
    histogram = reference.columns["noise"]

    assert reference.people == {"unknown": 100}
    assert len(histogram.edges) == 9
    assert np.allclose(histogram.shares["unknown"], [*[0.1] * 10, 0.0], atol=0.001)
    assert np.allclose(histogram.covariance("unknown"), histogram.covariance("unknown").T)
    assert len(reference.columns["zeros"].edges) < 9, "equal values share a bin"


def test_an_edge_belongs_to_the_bin_below_it() -> None:
    columns, users = {"count": np.array([0.0, 0.0, 0.0, 1.0])}, np.arange(4)
    histogram = reference_of(columns, users, np.full(4, np.nan)).columns["count"]

    assert histogram.places(np.array([-1.0, 0.0, 0.5, np.nan])).tolist() == [0, 0, 1, 2]


def test_hours_fall_into_the_parts_of_the_day() -> None:
    hours = np.array([0.0, 5.99, 6.0, 12.5, 23.9, np.nan])

    assert [PARTS[part] for part in parts_of(hours)] == [
        "night", "night", "morning", "afternoon", "evening", "unknown",
    ]  # fmt: skip


def test_psi_of_a_worked_example() -> None:
    # (0.3 − 0.5) · ln(0.3 ÷ 0.5) + (0.7 − 0.5) · ln(0.7 ÷ 0.5)
    assert psi(np.array([0.3, 0.7]), np.array([0.5, 0.5])) == pytest.approx(0.169460, abs=1e-6)
