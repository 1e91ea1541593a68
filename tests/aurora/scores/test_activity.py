"""What events make of the activity score: more exercise is never worse, and a day that nobody told of is no zero."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from aurora.features.tiles import LoggedEvent, tiles_of
from aurora.features.windows import DayTile, Window
from aurora.scores.activity import ACTIVITY, MIN_TOLD_DAYS, WEEK_DAYS
from aurora.scores.scoring import Score, score
from aurora.scores.specification import ToldDays
from tests.aurora.features.logged import logged

TODAY = date(2026, 3, 30)
AS_OF = datetime(2026, 3, 31, tzinfo=UTC)

days_ago = st.integers(0, WEEK_DAYS)
"""Of the week, and the day before it."""

minutes = st.integers(0, 200) | st.floats(0, 200)
intensities = st.fixed_dictionaries(
    {},
    optional={
        "moderate_minutes": minutes,
        "vigorous_minutes": minutes,
        "duration_minutes": minutes,
        "load": minutes,
    },
)


def told(kind: str, ago: int, payload: dict[str, float], *, lasted: float | None = None) -> LoggedEvent:
    return logged(kind, f"{TODAY - timedelta(days=ago)}T12:00:00Z", payload, minutes=lasted)


workouts = st.builds(
    lambda ago, payload, lasted: told("exercise.recorded", ago, payload, lasted=lasted),
    days_ago,
    intensities,
    st.none() | minutes,
)
ratings = st.builds(lambda ago: told("energy.rated", ago, {"energy": 5}), days_ago)
weeks = st.lists(workouts | ratings, max_size=20)


def activity_of(events: Sequence[LoggedEvent]) -> Score:
    tiles: dict[str, list[DayTile]] = defaultdict(list)
    for day, measures in tiles_of(events).items():
        for measure, tile in measures.items():
            tiles[measure].append(((TODAY - day).days, tile))
    inputs: dict[str, float | None] = {}
    for entry in ACTIVITY.inputs:
        if isinstance(entry.source, ToldDays):
            inputs[entry.name] = entry.source.value_of(tiles)
        elif isinstance(entry.source, Window):
            inputs[entry.name] = entry.source.value_of(tiles[entry.source.measure], AS_OF)
    return score(ACTIVITY, inputs)


@given(weeks, workouts | ratings)
def test_an_event_more_never_lowers_activity_nor_takes_it_away(
    week: list[LoggedEvent], added: LoggedEvent
) -> None:
    before, after = activity_of(week), activity_of([*week, added])

    assert after.coverage >= before.coverage
    assert (after.factors[0].points or 0) >= (before.factors[0].points or 0)
    if before.score is not None:
        assert after.score is not None
        assert after.score >= before.score


def test_a_workout_with_intensity_beside_others_without_is_added_to_them() -> None:
    lived = [told("energy.rated", ago, {"energy": 5}) for ago in range(WEEK_DAYS)]
    runs = [told("exercise.recorded", ago, {}, lasted=100) for ago in (1, 3)]
    short = told("exercise.recorded", 5, {"moderate_minutes": 10}, lasted=10)

    assert activity_of([*lived, *runs]).score == 100
    assert activity_of([*lived, *runs, short]).factors[0].value == 210


@given(weeks, days_ago)
def test_a_day_that_nobody_told_of_costs_coverage_and_no_points(week: list[LoggedEvent], silent: int) -> None:
    day = TODAY - timedelta(days=silent)
    rest = [event for event in week if event.local_date != day or event.type == "exercise.recorded"]

    whole, known = activity_of(week), activity_of(rest)

    assert known.factors[0].points == whole.factors[0].points
    assert known.coverage <= whole.coverage


def test_the_first_days_of_somebody_who_exercises_are_not_judged() -> None:
    walks = [told("exercise.recorded", ago, {}, lasted=30) for ago in range(MIN_TOLD_DAYS)]

    assert [activity_of(walks[: days + 1]).score_state for days in range(MIN_TOLD_DAYS)] == [
        *["CALIBRATING"] * (MIN_TOLD_DAYS - 1),
        "SCORED",
    ]


def test_weather_and_appointments_do_not_tell_that_a_day_was_recorded() -> None:
    walk = told("exercise.recorded", 0, {}, lasted=30)
    weather = [told("weather.observed", ago, {"temperature_c": 3}) for ago in range(WEEK_DAYS)]
    appointments = [told("calendar.scheduled", ago, {}, lasted=30) for ago in range(WEEK_DAYS)]

    assert activity_of([walk, *weather, *appointments]).coverage == 1 / 7
