from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora import clock
from aurora.errors import UnknownTimeZoneError

ALL_ZONES = sorted(zoneinfo.available_timezones())
LEAST = timedelta(microseconds=1)

zones = st.sampled_from(ALL_ZONES)
days = st.dates(date(1970, 1, 3), date(2037, 12, 30))
instants = st.datetimes(
    datetime.fromisoformat("1970-01-03"), datetime.fromisoformat("2037-12-30"), timezones=st.just(UTC)
)


def hours_of(day: str, tz: str) -> float:
    local_day = date.fromisoformat(day)
    return (clock.day_end(local_day, tz) - clock.day_start(local_day, tz)) / timedelta(hours=1)


def start_of(day: str, tz: str) -> str:
    return clock.day_start(date.fromisoformat(day), tz).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_zone_data_come_from_the_wheel_and_never_from_the_machine() -> None:
    assert zoneinfo.TZPATH == ()
    assert len(ALL_ZONES) > 500


@given(zones, days)
def test_a_local_day_begins_at_the_first_instant_that_the_calendar_shows_it(tz: str, day: date) -> None:
    start = clock.day_start(day, tz)

    assert start.utcoffset() == timedelta()
    # Later than `day` only where the zone skipped it.
    assert clock.local_date(start, tz) >= day
    assert clock.local_date(start - LEAST, tz) < day


@given(zones, days)
def test_local_days_follow_one_another_without_gap_or_overlap(tz: str, day: date) -> None:
    start, end = clock.day_start(day, tz), clock.day_end(day, tz)

    assert end == clock.day_start(day + timedelta(days=1), tz)
    assert timedelta() <= end - start <= timedelta(hours=48)


@given(zones, instants)
def test_an_instant_is_at_most_a_clock_change_outside_its_own_local_day(tz: str, instant: datetime) -> None:
    day = clock.local_date(instant, tz)

    assert clock.day_start(day, tz) <= instant
    assert instant < clock.day_end(day, tz) + timedelta(hours=1)


@pytest.mark.parametrize(
    ("tz", "day", "start", "hours"),
    [
        # A gap at midnight: the day begins at one o'clock.
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", 23),
        ("Asia/Beirut", "2022-03-27", "2022-03-26T22:00:00Z", 23),
        ("Africa/Cairo", "2023-04-28", "2023-04-27T22:00:00Z", 23),
        ("America/Havana", "2023-03-12", "2023-03-12T05:00:00Z", 23),
        ("Asia/Tehran", "2022-03-22", "2022-03-21T20:30:00Z", 23),
        # Midnight comes twice: the day begins with the first.
        ("America/Havana", "2023-11-05", "2023-11-05T04:00:00Z", 25),
        # The clock goes back from midnight to 23:00: the hour belongs to the day before.
        ("America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00:00Z", 25),
        ("America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00Z", 24),
        # Changes in the night.
        ("Europe/Oslo", "2026-03-29", "2026-03-28T23:00:00Z", 23),
        ("Europe/Oslo", "2026-10-25", "2026-10-24T22:00:00Z", 25),
        ("America/New_York", "2026-03-08", "2026-03-08T05:00:00Z", 23),
        ("Australia/Lord_Howe", "2023-10-01", "2023-09-30T13:30:00Z", 23.5),
        ("Antarctica/Troll", "2026-03-29", "2026-03-29T00:00:00Z", 22),
        # Odd offsets, leap day, and a zone without changes.
        ("Asia/Kathmandu", "2026-01-01", "2025-12-31T18:15:00Z", 24),
        ("Pacific/Chatham", "2026-01-01", "2025-12-31T10:15:00Z", 24),
        ("Europe/Oslo", "2024-02-29", "2024-02-28T23:00:00Z", 24),
        ("UTC", "2026-01-01", "2026-01-01T00:00:00Z", 24),
        # The date line moved: Samoa had no 30 December 2011, Kwajalein no 21 August 1993.
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z", 24),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z", 0),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z", 24),
        ("Pacific/Kwajalein", "1993-08-21", "1993-08-21T12:00:00Z", 0),
    ],
)
def test_a_local_day_has_the_borders_that_its_zone_gave_it(
    tz: str, day: str, start: str, hours: float
) -> None:
    assert start_of(day, tz) == start
    assert hours_of(day, tz) == hours


def test_the_wall_clock_is_read_in_the_zone_and_without_an_offset() -> None:
    instant = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)

    assert clock.local_time(instant, "Europe/Oslo").isoformat() == "2026-03-29T03:30:00"
    assert clock.local_date(instant, "America/Los_Angeles") == date(2026, 3, 28)


@pytest.mark.parametrize(
    "name", ["Europe/Atlantis", "", "Europe", "../etc/passwd", "zone.tab", "\x00", "+02:00"]
)
def test_what_is_no_iana_zone_is_named_in_the_error(name: str) -> None:
    with pytest.raises(UnknownTimeZoneError, match="IANA"):
        clock.zone(name)


def test_now_is_in_utc() -> None:
    assert clock.now().utcoffset() == timedelta()
