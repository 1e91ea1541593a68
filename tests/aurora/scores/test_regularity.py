from __future__ import annotations

from datetime import date, datetime, timedelta

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora.scores.regularity import Night, same_state_percent, same_state_percent_sql

DAY = date(2026, 3, 10)


def a_night(local_date: date, bedtime: str, hours: float) -> Night:
    """A night that ended on this day; a bedtime before noon is that day's, a later one the evening's before."""
    evening = local_date - timedelta(days=1) if bedtime >= "12:00" else local_date
    started = datetime.fromisoformat(f"{evening}T{bedtime}")
    return Night(local_date, [(started, started + timedelta(hours=hours))])


def in_parts(*nights: Night) -> Night:
    return Night(nights[0].local_date, [part for night in nights for part in night.parts])


@st.composite
def nights(draw: st.DrawFn, local_date: date) -> Night:
    """Of one part or several of any length, at any time of the day: somebody may work at night."""
    midnight = datetime.combine(local_date, datetime.min.time())
    parts = draw(
        st.lists(st.tuples(st.integers(0, 1439), st.integers(1, 960)), min_size=1, max_size=4).map(
            lambda drawn: [(ended - lasted, ended) for ended, lasted in drawn]
        )
    )
    return Night(
        local_date,
        [
            (midnight + timedelta(minutes=started), midnight + timedelta(minutes=ended))
            for started, ended in parts
        ],
    )


def test_the_same_hours_are_wholly_alike() -> None:
    assert same_state_percent(a_night(DAY, "23:00", 8), a_night(DAY - timedelta(1), "23:00", 8)) == 100


def test_half_an_hour_later_differs_at_both_ends() -> None:
    later, before = a_night(DAY, "23:30", 8), a_night(DAY - timedelta(1), "23:00", 8)

    assert same_state_percent(later, before) == pytest.approx(100 * (1 - 60 / 1440))


def test_midnight_is_no_border() -> None:
    later, before = a_night(DAY, "00:15", 7), a_night(DAY - timedelta(1), "23:45", 7)

    assert same_state_percent(later, before) == pytest.approx(100 * (1 - 60 / 1440))


def test_a_day_after_a_night_has_nothing_in_common() -> None:
    slept_by_day, before = a_night(DAY, "09:00", 7), a_night(DAY - timedelta(1), "23:00", 7)

    assert same_state_percent(slept_by_day, before) == pytest.approx(100 * (1 - 14 / 24))


def test_time_between_two_parts_of_a_night_is_time_awake() -> None:
    before = a_night(DAY - timedelta(1), "00:30", 7)
    with_a_doze = in_parts(a_night(DAY, "00:30", 7), Night(DAY, [(evening(18), evening(19))]))

    assert same_state_percent(with_a_doze, before) == pytest.approx(100 * (1 - 60 / 1440))


def test_a_night_in_the_same_two_parts_is_wholly_alike() -> None:
    one, other = (
        in_parts(a_night(day, "22:00", 3), a_night(day, "04:00", 4)) for day in (DAY, DAY - timedelta(1))
    )

    assert same_state_percent(one, other) == 100


def test_parts_that_overlap_count_once() -> None:
    told_twice = in_parts(a_night(DAY, "23:00", 8), a_night(DAY, "01:00", 2))

    assert same_state_percent(told_twice, a_night(DAY - timedelta(1), "23:00", 8)) == 100


@given(nights(DAY), nights(DAY - timedelta(days=1)))
def test_alikeness_is_a_share_and_has_no_direction(night: Night, before: Night) -> None:
    percent = same_state_percent(night, before)
    day = timedelta(days=1)
    swapped = same_state_percent(
        Night(night.local_date, [(started + day, ended + day) for started, ended in before.parts]),
        Night(before.local_date, [(started - day, ended - day) for started, ended in night.parts]),
    )

    assert 0 <= percent <= 100
    assert swapped == pytest.approx(percent)


@settings(max_examples=40)
@given(night=nights(DAY), before=nights(DAY - timedelta(days=1)))
async def test_sql_compares_nights_as_python_does(
    database: psycopg.AsyncConnection, night: Night, before: Night
) -> None:
    assert await in_sql(database, night, before) == pytest.approx(same_state_percent(night, before), abs=1e-9)


async def test_a_night_without_times_is_like_no_other(database: psycopg.AsyncConnection) -> None:
    assert await in_sql(database, a_night(DAY, "23:00", 8), None) is None


async def in_sql(database: psycopg.AsyncConnection, night: Night, before: Night | None) -> float | None:
    row = "(select %s::nummultirange as asleep_spans)"
    query = f"select {same_state_percent_sql('night', 'before')} from {row} as night, {row} as before"
    cursor = await database.execute(query.encode(), [spans(night), before and spans(before)])
    found = await cursor.fetchone()
    assert found is not None
    return found[0]


def spans(night: Night) -> str:
    return "{" + ",".join(f"[{started},{ended})" for started, ended in night.minutes()) + "}"


def evening(hour: int) -> datetime:
    return datetime.combine(DAY, datetime.min.time()) + timedelta(hours=hour)
