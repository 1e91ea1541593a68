"""The local day of an event, around every transition of every zone: sleep by waking, all else by its start."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora import clock
from aurora.events.local_days import has_changed, local_times_of
from tests.aurora.events.received import a_received_mood, a_received_night, accepted
from tests.aurora.events.zone_transitions import Zone, all_zones, distinct_zones

YEARS_LATER = datetime(2100, 1, 1, tzinfo=UTC)
LEAST = timedelta(microseconds=1)
AROUND = tuple(
    timedelta(seconds=seconds) for seconds in (-86_400, -7200, -3600, -1, 0, 1, 1800, 3600, 7200, 86_400)
)
EVERY_ZONE = distinct_zones()


def test_the_wheel_is_read_whole() -> None:
    transitions = sum(len(zone.transitions()) for zone in EVERY_ZONE)

    assert len(all_zones()) > 590
    assert len(EVERY_ZONE) > 330
    assert transitions > 18_000


@pytest.mark.slow
def test_day_and_wall_clock_are_right_around_every_transition_of_every_zone() -> None:
    wrong = [
        (zone.name, instant)
        for zone in EVERY_ZONE
        for transition in zone.transitions()
        for instant in (*(transition + step for step in AROUND), transition - LEAST)
        if clock.local_time(instant, zone.name) != zone.local(instant)
        or clock.local_date(instant, zone.name) != zone.local(instant).date()
    ]

    assert wrong == []


@pytest.mark.slow
def test_local_days_meet_at_their_borders_around_every_transition() -> None:
    wrong = []
    for zone in EVERY_ZONE:
        for day in {
            zone.local(transition + step).date() for transition in zone.transitions() for step in AROUND
        }:
            start, end = clock.day_start(day, zone.name), clock.day_end(day, zone.name)
            begins_it = zone.local(start).date() >= day > zone.local(start - LEAST).date()
            if not begins_it or zone.local(end - LEAST).date() > day or end < start:
                wrong.append((zone.name, day))

    assert wrong == []


@pytest.mark.slow
def test_acceptance_stores_the_day_of_waking_and_of_starting_over_every_transition() -> None:
    wrong = []
    for zone in EVERY_ZONE:
        # Begun before, ended after: the offset at the start is not that at the end.
        for transition in zone.transitions():
            start, end = transition - timedelta(hours=5), transition + timedelta(hours=3, minutes=10)
            times = {"started_at": start.isoformat(), "ended_at": end.isoformat(), "tz": zone.name}
            night = accepted(a_received_night(**times), received_at=YEARS_LATER)
            work = accepted(
                a_received_mood(type="work.recorded", payload={"duration_minutes": 60}, **times),
                received_at=YEARS_LATER,
            )
            is_right = (
                night.local_date == zone.local(end).date()
                and work.local_date == zone.local(start).date()
                and night.local_started_at == work.local_started_at == zone.local(start)
                and night.local_ended_at == work.local_ended_at == zone.local(end)
                and night.day_started_at <= end < night.day_ended_at + timedelta(hours=3)
            )
            if not is_right:
                wrong.append((zone.name, transition))

    assert wrong == []


@given(st.sampled_from(EVERY_ZONE), st.sampled_from(EVERY_ZONE), st.data())
def test_a_traveller_sleeps_into_the_day_of_the_zone_where_they_wake(
    home: Zone, away: Zone, data: st.DataObject
) -> None:
    """The event names the zone of its end; the person's own zone has no say, nor has the offset of the text."""
    transitions = away.transitions() or [datetime(2020, 6, 1, tzinfo=UTC)]
    woken = data.draw(st.sampled_from(transitions)) + timedelta(minutes=data.draw(st.integers(-3000, 3000)))
    fell_asleep = woken - timedelta(hours=9)
    offset = home.local(fell_asleep).replace(tzinfo=UTC) - fell_asleep
    written = f"{home.local(fell_asleep).isoformat()}{_offset(offset)}"
    body = a_received_night(started_at=written, ended_at=woken.isoformat(), tz=away.name)

    night = accepted(body, user_tz=home.name, received_at=YEARS_LATER)

    if offset % timedelta(minutes=1):
        return  # No text can write an offset of seconds.
    assert night.local_date == away.local(woken).date()
    assert night.started_at == fell_asleep


def _offset(offset: timedelta) -> str:
    minutes = offset // timedelta(minutes=1)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


@given(st.sampled_from(EVERY_ZONE), st.data())
def test_computed_again_it_is_the_same(zone: Zone, data: st.DataObject) -> None:
    """The pass over the log after a change of the zone data (`recompute_local_days`) agrees with acceptance."""
    transitions = zone.transitions() or [datetime(2020, 6, 1, tzinfo=UTC)]
    end = data.draw(st.sampled_from(transitions)) + timedelta(minutes=data.draw(st.integers(-3000, 3000)))
    builder = data.draw(st.sampled_from([a_received_night, a_received_mood]))
    event = accepted(
        builder(
            started_at=(end - timedelta(hours=8)).isoformat(),
            ended_at=end.isoformat(),
            tz=zone.name,
            precision=data.draw(st.sampled_from(["instant", "day"])),
        ),
        received_at=YEARS_LATER,
    )
    logged = {name: getattr(event, name) for name in event.__slots__}

    assert not has_changed(logged, local_times_of(logged))


@pytest.mark.parametrize(
    ("tz", "start", "end", "sleeps_into", "starts_on"),
    [
        # The date line moved. In Samoa 29 December 2011 was followed by the 31st; in Kwajalein, 20 August 1993
        # by the 22nd. A night over it ends on the day after the one that never was.
        (
            "Pacific/Apia",
            "2011-12-29T22:30:00-10:00",
            "2011-12-31T06:30:00+14:00",
            "2011-12-31",
            "2011-12-29",
        ),
        (
            "Pacific/Kwajalein",
            "1993-08-20T22:00:00-12:00",
            "1993-08-22T06:00:00+12:00",
            "1993-08-22",
            "1993-08-20",
        ),
        # Manila and Alaska lived a day twice, long before: nothing is accepted from then.
        # A night of 23 and of 25 hours' day; an hour that comes twice is told apart by its offset.
        ("Europe/Oslo", "2026-03-28T23:30:00+01:00", "2026-03-29T07:00:00+02:00", "2026-03-29", "2026-03-28"),
        ("Europe/Oslo", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-25", "2026-10-25"),
        # Midnight itself is skipped, and comes twice.
        (
            "America/Havana",
            "2023-03-11T23:59:59-05:00",
            "2023-03-12T01:00:00-04:00",
            "2023-03-12",
            "2023-03-11",
        ),
        (
            "America/Sao_Paulo",
            "2018-02-17T23:30:00-02:00",
            "2018-02-17T23:30:00-03:00",
            "2018-02-17",
            "2018-02-17",
        ),
        # Over the leap day, and of half an hour.
        ("Europe/Oslo", "2024-02-28T23:00:00+01:00", "2024-02-29T07:00:00+01:00", "2024-02-29", "2024-02-28"),
        (
            "Australia/Lord_Howe",
            "2024-04-06T23:00:00+11:00",
            "2024-04-07T07:00:00+10:30",
            "2024-04-07",
            "2024-04-06",
        ),
        # Slept on a flight from Tokyo to Los Angeles: they wake on the day that they left, there.
        (
            "America/Los_Angeles",
            "2026-05-10T18:00:00+09:00",
            "2026-05-10T09:30:00-07:00",
            "2026-05-10",
            "2026-05-10",
        ),
    ],
)
def test_the_days_of_known_nights(tz: str, start: str, end: str, sleeps_into: str, starts_on: str) -> None:
    times = {"started_at": start, "ended_at": end, "tz": tz}
    work = a_received_mood(type="work.recorded", payload={"duration_minutes": 60}, **times)

    assert accepted(a_received_night(**times), received_at=YEARS_LATER).local_date == date.fromisoformat(
        sleeps_into
    )
    assert accepted(work, received_at=YEARS_LATER).local_date == date.fromisoformat(starts_on)
