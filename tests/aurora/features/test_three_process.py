from __future__ import annotations

from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora.features.expressions import Column, ColumnValues
from aurora.features.three_process import energy_prior
from tests.aurora.features.nearly import nearly_equal

PRIOR = energy_prior(Column("asleep"), Column("awake"), Column("hour"))


def prior(asleep: float | None, awake: float | None, hour: float | None) -> Any:
    return PRIOR.value(ColumnValues({"asleep": asleep, "awake": awake, "hour": hour}))


@pytest.mark.parametrize(("asleep", "expected"), [(8, 6.66), (6, 6.09), (4, 5.05)])
def test_woken_at_seven_the_prior_at_ten_is_as_published(asleep: float, expected: float) -> None:
    assert prior(asleep, awake=3, hour=10) == pytest.approx(expected, abs=0.005)


async def test_sql_gives_the_published_values_too(database: psycopg.AsyncConnection) -> None:
    query = f"""
        select {PRIOR.sql()}
        from (values (8::float8, 3::float8, 10::float8), (6, 3, 10), (4, 3, 10)) as night (asleep, awake, hour)
        order by asleep desc
    """
    cursor = await database.execute(query.encode())

    assert [round(row[0], 2) for row in await cursor.fetchall()] == [6.66, 6.09, 5.05]


def test_without_a_night_or_an_hour_there_is_no_prior() -> None:
    assert prior(None, 3, 10) is None
    assert prior(8, None, 10) is None
    assert prior(8, 3, None) is None


hours = st.floats(0, 24)


@given(hours, hours, hours, hours)
def test_longer_sleep_never_lowers_the_prior(one: float, other: float, awake: float, hour: float) -> None:
    shorter, longer = sorted((one, other))

    assert 0 <= prior(shorter, awake, hour) <= prior(longer, awake, hour) + 1e-9
    assert prior(longer, awake, hour) <= 10


@given(hours, hours, hours)
def test_the_break_between_straight_and_curved_recovery_does_not_jump(
    asleep: float, awake: float, hour: float
) -> None:
    assert prior(asleep + 1e-6, awake, hour) == pytest.approx(prior(asleep, awake, hour), abs=1e-5)


@given(hours, st.floats(0, 96), hours)
async def test_sql_and_python_agree_at_any_hour_of_any_day(
    database: psycopg.AsyncConnection, asleep: float, awake: float, hour: float
) -> None:
    query = (
        f"select {PRIOR.sql()} from (select %s::float8, %s::float8, %s::float8) as n (asleep, awake, hour)"
    )
    cursor = await database.execute(query.encode(), (asleep, awake, hour))
    row = await cursor.fetchone()

    assert row is not None
    assert nearly_equal(row[0], prior(asleep, awake, hour))
