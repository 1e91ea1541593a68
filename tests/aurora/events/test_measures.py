from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora.events.catalogue import EVENT_TYPES, MEASURES
from aurora.events.measures import DAYPARTS, Measure, daypart_of, scale_value
from aurora.events.mood_classes import MOOD_CLASSES, mood_class

START = datetime(2026, 3, 30, 7, tzinfo=UTC)
NOON = datetime.fromisoformat("2026-03-30T12:00:00")


@pytest.mark.parametrize(
    ("value", "scale", "expected"),
    [(0.0005, 1000, 1), (-0.0005, 1000, -1), (0.00049, 1000, 0), (2.5, 1, 3), (-2.5, 1, -3), (1e-7, 1000, 0)],
)
def test_halves_are_rounded_away_from_zero(value: float, scale: int, expected: int) -> None:
    assert scale_value(value, scale) == expected


@given(st.lists(st.floats(-1e12, 1e12) | st.integers(-(10**9), 10**9).map(lambda n: n / 2000), min_size=1))
async def test_postgres_rounds_the_same_json_number_alike(
    database: psycopg.AsyncConnection, values: list[float]
) -> None:
    cursor = await database.execute(
        "select round((value #>> '{}')::numeric * 1000)::bigint"
        " from unnest(%s::jsonb[]) with ordinality as given (value, ordinal) order by ordinal",
        ([repr(value) for value in values],),
    )

    assert [row[0] for row in await cursor.fetchall()] == [scale_value(value, 1000) for value in values]


@given(st.integers(0, 7 * 86_400 * 10**6))
def test_a_duration_is_rounded_as_the_exact_number_would_be(microseconds: int) -> None:
    exact = scale_value_of_exact(Decimal(microseconds) / 60_000_000)
    end = START + timedelta(microseconds=microseconds)

    assert MEASURES["exercise_minutes"].scaled({}, START, end) == exact


@given(st.integers(0, 10**7))
def test_a_duration_half_way_between_two_thousandths_is_rounded_up(thousandths: int) -> None:
    # 30 ms are half a thousandth of a minute.
    end = START + timedelta(milliseconds=60 * thousandths + 30)

    assert MEASURES["exercise_minutes"].scaled({}, START, end) == thousandths + 1


def scale_value_of_exact(minutes: Decimal) -> int:
    return int((minutes * 1000 + Decimal("0.5")) // 1)


def test_a_stated_duration_outranks_the_span_of_the_event() -> None:
    end = START + timedelta(minutes=90)

    assert MEASURES["exercise_minutes"].value({"duration_minutes": 60}, START, end) == 60
    assert MEASURES["exercise_minutes"].value({}, START, end) == 90
    assert MEASURES["exercise_minutes"].value({}, START, None) is None


def test_a_field_that_the_event_does_not_state_is_missing_and_not_zero() -> None:
    assert MEASURES["sleep_deep_minutes"].scaled({"asleep_minutes": 400}, START, None) is None
    assert MEASURES["work_minutes"].scaled({}, START, START + timedelta(hours=8)) is None


def test_a_nap_is_sleep_but_not_the_main_sleep() -> None:
    nap, night = {"asleep_minutes": 30, "is_nap": True}, {"asleep_minutes": 400}

    assert MEASURES["sleep_minutes"].value(nap, START, None) == 30
    assert MEASURES["main_sleep_minutes"].value(nap, START, None) is None
    assert MEASURES["main_sleep_minutes"].value(night, START, None) == 400
    assert MEASURES["nap_minutes"].value(night, START, None) is None


@pytest.mark.parametrize(
    "field", ["deep_minutes", "rem_minutes", "awake_minutes", "efficiency_percent", "quality"]
)
def test_what_a_nap_tells_beside_its_length_is_not_told_of_the_night(field: str) -> None:
    nap, night = {"asleep_minutes": 30, field: 9, "is_nap": True}, {"asleep_minutes": 400, field: 7}
    (measure,) = (entry for entry in EVENT_TYPES["sleep.recorded"].measures if entry.field == field)

    assert measure.scaled(nap, START, None) is None
    assert measure.value(night, START, None) == 7


@pytest.mark.parametrize(
    ("told", "minutes"),
    [
        ({"moderate_minutes": 20, "vigorous_minutes": 15, "duration_minutes": 60}, 50),
        ({"vigorous_minutes": 15}, 30),
        ({"moderate_minutes": 0, "duration_minutes": 45}, 0),
        ({"duration_minutes": 45}, 45),
        ({"load": 300}, 90),
    ],
)
def test_a_workout_counts_by_its_intensity_and_without_one_by_its_time(
    told: dict[str, float], minutes: float
) -> None:
    assert MEASURES["active_minutes"].value(told, START, START + timedelta(minutes=90)) == minutes


def test_a_workout_without_intensity_and_time_is_missing() -> None:
    assert MEASURES["active_minutes"].scaled({"load": 300}, START, None) is None


def test_every_hour_belongs_to_exactly_one_part_of_the_day() -> None:
    for hour in range(24):
        held = [name for name, (first, last) in DAYPARTS.items() if first <= hour < last]
        assert held == [daypart_of(hour)]


def test_an_event_that_has_only_a_date_has_no_part_of_the_day() -> None:
    afternoon = MEASURES["mood_afternoon"]

    assert afternoon.belongs(NOON, "instant")
    assert not afternoon.belongs(NOON, "day")
    assert MEASURES["mood"].belongs(NOON, "day")


@given(st.sampled_from([measure for measure in MEASURES.values() if measure.part_of]), st.data())
def test_what_tells_of_a_part_tells_of_the_whole(part: Measure, data: st.DataObject) -> None:
    """Settled days rest on this (docs/decisions/0042): nothing becomes known of a part alone."""
    whole = MEASURES[part.part_of or ""]
    payload = data.draw(st.fixed_dictionaries({}, optional={part.field: st.floats(-1, 1)}))

    if part.scaled(payload, START, None) is not None:
        assert whole.scaled(payload, START, None) is not None
        assert whole.belongs(NOON, "day")
    assert any({part, whole} <= set(entry.measures) for entry in EVENT_TYPES.values())


@pytest.mark.parametrize(
    ("valence", "name"),
    [
        (-1, "very_negative"),
        (-0.61, "very_negative"),
        (-0.6, "negative"),
        (-0.21, "negative"),
        (-0.2, "neutral"),
        (0, "neutral"),
        (0.2, "neutral"),
        (0.21, "positive"),
        (0.6, "positive"),
        (0.61, "very_positive"),
        (1, "very_positive"),
    ],
)
def test_valence_is_cut_into_classes_at_the_versioned_borders(valence: float, name: str) -> None:
    assert mood_class(valence) == name


@given(st.floats(-1, 1))
def test_every_valence_lies_in_exactly_one_class_and_one_share(valence: float) -> None:
    held = [mood.name for mood in MOOD_CLASSES if mood.holds(valence)]

    assert held == [mood_class(valence)]
    shares = [
        MEASURES[f"mood_{mood.name}"].scaled({"valence": valence}, START, None) for mood in MOOD_CLASSES
    ]
    assert sum(share or 0 for share in shares) == 1


@pytest.mark.parametrize("valence", [-1.01, 1.01, float("nan")])
def test_a_valence_outside_the_scale_has_no_class(valence: float) -> None:
    with pytest.raises(ValueError, match="outside"):
        mood_class(valence)


@given(st.integers(-(10**7), 10**7), st.sampled_from([1, 10, 1000]))
def test_floats_round_as_their_decimal_text_does_also_at_a_half(number: int, scale: int) -> None:
    value = number / (2 * scale)
    exact = (Decimal(str(value)) * scale).to_integral_value(ROUND_HALF_UP)

    assert scale_value(value, scale) == exact
