from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora.database.partitions import ensure_partitions, month_of, months_ahead, next_month
from aurora.events.storage import store_events
from tests.aurora.events.received import a_received_mood, accepted


def partitions_of(connection: psycopg.Connection[Any]) -> list[str]:
    found = connection.execute(
        "select inhrelid::regclass::text from pg_inherits where inhparent = 'raw.events'::regclass order by 1"
    )
    return [name for (name,) in found.fetchall()]


def test_the_month_after_december_is_january() -> None:
    assert next_month(date(2026, 12, 1)) == date(2027, 1, 1)
    assert months_ahead(date(2026, 11, 30)) == [
        date(2026, 11, 1),
        date(2026, 12, 1),
        date(2027, 1, 1),
        date(2027, 2, 1),
    ]


@given(st.dates(date(1970, 1, 1), date(2100, 1, 1)))
def test_the_next_month_begins_where_this_one_ends(day: date) -> None:
    month = month_of(day)

    assert month <= day < next_month(month)
    assert (next_month(month) - timedelta(days=1)).month == month.month


def test_this_month_and_three_ahead_are_there_after_migrating(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        expected = {f"raw.events_{month:%Y_%m}" for month in months_ahead(datetime.now(UTC).date())}

        assert expected <= set(partitions_of(connection))


def test_a_month_is_made_once_however_often_it_is_asked_for(committed_database: str) -> None:
    with psycopg.connect(committed_database) as connection:
        days = [date(2020, 2, 29), date(2020, 2, 1), date(2019, 12, 31)]

        assert ensure_partitions(connection, days) == [date(2019, 12, 1), date(2020, 2, 1)]
        assert ensure_partitions(connection, days) == []


def test_a_partition_has_the_keys_and_checks_of_the_log(committed_database: str) -> None:
    with psycopg.connect(committed_database) as connection:
        ensure_partitions(connection, [date(2020, 2, 1)])
        query = """
            select count(*) from pg_index where indrelid = %s::regclass
            union all
            select count(*) from pg_constraint where conrelid = %s::regclass and contype = 'c'
        """
        log = connection.execute(query, ["raw.events"] * 2).fetchall()
        month = connection.execute(query, ["raw.events_2020_02"] * 2).fetchall()

        assert month == log
        assert log[0] > (0,)


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Pacific/Kiritimati"])
async def test_a_month_is_one_of_utc_whatever_the_zone_of_the_session(
    database: psycopg.AsyncConnection, zone: str
) -> None:
    await database.execute(f"set local time zone '{zone}'".encode())
    edges = ("2021-05-31T23:59:59.999999Z", "2021-06-01T00:00:00Z", "2021-06-30T23:59:59Z")

    events = [accepted(a_received_mood(started_at=edge)) for edge in edges]
    await store_events(database, events)

    cursor = await database.execute("select tableoid::regclass::text from raw.events order by started_at")
    assert [name for (name,) in await cursor.fetchall()] == [
        "raw.events_2021_05",
        "raw.events_2021_06",
        "raw.events_2021_06",
    ]


async def test_making_a_month_stops_neither_reading_nor_writing_of_the_log(committed_database: str) -> None:
    now = datetime.now(UTC)
    event = accepted(a_received_mood(started_at=now.isoformat()), received_at=now)
    with psycopg.connect(committed_database) as maker:
        ensure_partitions(maker, [date(2020, 2, 1)])
        async with await psycopg.AsyncConnection.connect(committed_database) as writer:
            await writer.execute("set lock_timeout = '2s'")
            assert await store_events(writer, [event]) == ["accepted"]
            cursor = await writer.execute("select count(*) from raw.events")
            assert await cursor.fetchone() == (1,)
