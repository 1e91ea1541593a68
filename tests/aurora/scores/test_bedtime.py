from __future__ import annotations

import statistics
from datetime import datetime, timedelta

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora.scores.bedtime import (
    MIN_USUAL_NIGHTS,
    deviation_minutes,
    deviation_minutes_sql,
    minutes_after_noon,
    minutes_after_noon_sql,
)

bedtimes = st.datetimes(datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2030-01-01"))


def clock_time(text: str) -> float:
    return minutes_after_noon(datetime.fromisoformat(f"2026-03-01T{text}"))


def test_bedtimes_before_and_after_midnight_are_near_each_other() -> None:
    assert clock_time("00:30") - clock_time("23:30") == 60


def test_deviation_is_measured_from_the_median_night() -> None:
    usual = [clock_time(time) for time in ("23:00", "23:10", "23:20", "23:30", "03:00")]

    assert deviation_minutes(clock_time("00:05"), usual) == 45
    assert deviation_minutes(clock_time("22:35"), usual) == 45


def test_a_bedtime_around_noon_is_measured_the_shorter_way_round_the_clock() -> None:
    assert deviation_minutes(clock_time("12:10"), [clock_time("11:50")] * 7) == 20


def test_a_few_first_nights_make_no_usual_bedtime() -> None:
    assert deviation_minutes(600.0, [600.0] * (MIN_USUAL_NIGHTS - 1)) is None
    assert deviation_minutes(600.0, [600.0] * MIN_USUAL_NIGHTS) == 0


@given(bedtimes)
def test_minutes_after_noon_cover_one_day(bedtime: datetime) -> None:
    minutes = minutes_after_noon(bedtime)

    assert 0 <= minutes < 1440
    noon = bedtime.replace(hour=12, minute=0, second=0, microsecond=0)
    since_noon = (bedtime - noon) % timedelta(days=1)
    assert minutes == pytest.approx(since_noon.total_seconds() / 60)


@settings(max_examples=40)
@given(bedtime=bedtimes, earlier=st.lists(bedtimes, max_size=14))
async def test_sql_measures_bedtimes_as_python_does(
    database: psycopg.AsyncConnection, bedtime: datetime, earlier: list[datetime]
) -> None:
    after_noon = minutes_after_noon_sql("bedtime")
    query = f"""
        with usual as (
            select percentile_cont(0.5) within group (order by {after_noon}) as usual, count(*) as nights
            from unnest(%s::timestamp[]) as nights (bedtime)
        ),
        tonight as (select {minutes_after_noon_sql("%s::timestamp")} as minutes)
        select minutes, {deviation_minutes_sql("minutes", "usual", "nights")} from tonight, usual
    """
    cursor = await database.execute(query.encode(), (earlier, bedtime))
    row = await cursor.fetchone()

    assert row is not None
    expected = [minutes_after_noon(night) for night in earlier]
    assert row[0] == pytest.approx(minutes_after_noon(bedtime), abs=1e-9)
    assert row[1] == pytest.approx(deviation_minutes(minutes_after_noon(bedtime), expected), abs=1e-9)
    assert not expected or statistics.median(expected) < 1440
