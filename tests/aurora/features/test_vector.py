from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora.features.catalogue import FEATURE_SETS, FEATURES, vector_names
from aurora.features.clocks import Clock
from aurora.features.expressions import Column
from aurora.features.tiles import LIVE_DAYS, LoggedEvent, tiles_of
from aurora.features.vector import Moment, vector, vector_of_set
from tests.aurora.features.logged import logged

# A Monday.
NOON = Moment.at(datetime(2026, 3, 30, 10, tzinfo=UTC), "Europe/Oslo")


def features_of(events: Iterable[LoggedEvent], moment: Moment = NOON) -> dict[str, float | None]:
    return vector(tiles_of(events), moment)


def night(day: int, minutes: float = 480, *, hours_in_bed: float = 8) -> LoggedEvent:
    """A night in Oslo that ended on this day of March at seven."""
    end = datetime(2026, 3, day, 7, tzinfo=UTC).timestamp() - (7200 if day >= 29 else 3600)
    start = datetime.fromtimestamp(end - hours_in_bed * 3600, UTC)
    return logged(
        "sleep.recorded",
        start.isoformat(),
        {"asleep_minutes": minutes},
        minutes=hours_in_bed * 60,
        tz="Europe/Oslo",
    )


def energy(day: int, value: float, hour: int = 9) -> LoggedEvent:
    return logged(
        "energy.rated", f"2026-03-{day:02}T{hour:02}:00:00+02:00", {"energy": value}, tz="Europe/Oslo"
    )


def test_the_clock_of_the_person_is_read_and_not_the_servers() -> None:
    values = features_of([])

    assert (values["hour_of_day"], values["day_of_week"], values["is_weekend"]) == (12, 1, 0)
    in_samoa = features_of([], Moment.at(datetime(2026, 3, 29, 10, 15, tzinfo=UTC), "Pacific/Pago_Pago"))
    assert (in_samoa["hour_of_day"], in_samoa["day_of_week"]) == (23.25, 6)
    assert in_samoa["is_weekend"] == 1


def test_where_only_the_day_is_known_there_is_no_hour_and_nothing_that_needs_one() -> None:
    moment = Moment.of_day(date(2026, 3, 30), "Europe/Oslo")
    values = features_of([night(30), energy(29, 7)], moment)

    assert moment.as_of == datetime(2026, 3, 29, 22, tzinfo=UTC)
    for name in ("hour_of_day", "energy_prior_three_process", "energy_daypart_mean_28d"):
        assert values[name] is None
    assert values["day_of_week"] == 1


def test_nothing_known_is_missing_except_for_clocks_and_counts() -> None:
    known = {name for name, value in features_of([]).items() if value is not None}

    assert known == {"hour_of_day", "day_of_week", "is_weekend", "social_events_count_last_3d"}


def test_the_seed_features_of_an_ordinary_week() -> None:
    events = [
        night(28, 420),
        night(29, 360),
        night(30, 480),
        logged("meal.eaten", "2026-03-30T07:30:00+02:00", {"energy_kcal": 500}, minutes=30, tz="Europe/Oslo"),
        logged("exercise.recorded", "2026-03-28T18:00:00+01:00", {"duration_minutes": 60}),
        logged("exercise.recorded", "2026-03-26T18:00:00+01:00", {"duration_minutes": 30}),
        logged("social.met", "2026-03-28T20:00:00+01:00", {"people_count": 3}),
        logged("social.met", "2026-03-27T20:00:00+01:00", {"people_count": 3}),
        energy(28, 5),
        energy(29, 6),
        energy(30, 7),
    ]
    values = features_of(events)

    assert values["time_since_last_sleep"] == 5
    assert values["time_since_last_meal"] == 4
    assert values["avg_sleep_last_7d"] == 420
    assert values["avg_exercise_last_7d"] == 45
    assert values["social_events_count_last_3d"] == 1
    assert values["energy_rolling_mean_7d"] == 6
    assert values["energy_rolling_std_7d"] == 1
    assert values["sleep_debt_sum_7d"] == 3 * 480 - 1260
    assert values["mood_trend_last_14d"] is None


def test_the_prior_is_the_three_process_models() -> None:
    values = features_of([night(30, 480)], Moment.at(datetime(2026, 3, 30, 8, tzinfo=UTC), "Europe/Oslo"))

    assert values["energy_prior_three_process"] == pytest.approx(6.66, abs=0.005)


def test_the_baseline_of_energy_weighs_newer_days_more() -> None:
    values = features_of([energy(29, 8), energy(27, 2)])

    assert values["energy_ewma_28d"] == pytest.approx((8 + 0.7 * 2) / 1.7)


def test_the_usual_level_is_that_of_the_same_part_of_the_day() -> None:
    ratings = [energy(29, 3, hour=9), energy(29, 8, hour=14), energy(28, 6, hour=13)]

    assert features_of(ratings)["energy_daypart_mean_28d"] == 7
    morning = Moment.at(datetime(2026, 3, 30, 8, tzinfo=UTC), "Europe/Oslo")
    assert features_of(ratings, morning)["energy_daypart_mean_28d"] == 3


def test_tiles_of_later_days_and_of_days_long_gone_are_passed_over() -> None:
    events = [energy(29, 6), energy(30, 9)]
    yesterday = Moment.at(datetime(2026, 3, 29, 20, tzinfo=UTC), "Europe/Oslo")

    assert features_of(events, yesterday)["energy_mean_28d"] == 6
    in_a_month = Moment.at(datetime(2026, 4, 26, 10, tzinfo=UTC), "Europe/Oslo")
    assert features_of(events, in_a_month)["energy_mean_28d"] == 9


def test_days_may_come_in_any_order() -> None:
    tiles = tiles_of([event for day in range(10, 31) for event in (night(day), energy(day, day % 11))])

    # A decline, a rise and a newest rating would all be other ones the wrong way round.
    assert vector(dict(reversed(tiles.items())), NOON) == vector(tiles, NOON)


@pytest.mark.parametrize("name", FEATURE_SETS)
def test_the_vector_of_a_model_has_its_features_in_its_order(name: str) -> None:
    assert tuple(vector_of_set({}, NOON, name)) == vector_names(name)


def test_a_formula_that_reads_anything_but_windows_and_clocks_is_refused() -> None:
    feature = FEATURES["hour_of_day"]
    stray = type(feature)("stray", "clock", Column("stray"), "h", "Reads a column that nobody has.")

    with pytest.raises(TypeError, match="stray"):
        vector({}, NOON, [stray])


@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from(["UTC", "Asia/Kathmandu", "America/St_Johns"]))
def test_the_clock_stays_on_its_dial(as_of: datetime, tz: str) -> None:
    if not 1971 <= as_of.year <= 2100:
        return
    moment = Moment.at(as_of, tz)

    assert moment.local_seconds is not None
    assert 0 <= moment.local_seconds < 86_400
    assert Clock("day_of_week").value_of(moment.local_date, None) in range(1, 8)


def test_live_state_reaches_as_far_as_the_widest_window() -> None:
    assert (
        max(window.last_day for feature in FEATURES.values() for window in feature.windows) == LIVE_DAYS - 1
    )
