"""Of two sources that tell of one night or workout, one counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora.events.reconciliation import outranked
from aurora.features.tiles import LoggedEvent, tiles_of

NIGHT = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)
DAY = NIGHT.date()
DIARY = ("diary", None, "self_reported")
WATCH = ("watch", None, "sensed")
COPY = ("apple-health", "Watch", "sensed")


def report(
    number: int,
    source: tuple[str, str | None, str] = DIARY,
    *,
    start: float = 0.0,
    hours: float | None = 8.0,
    kind: str = "sleep.recorded",
    precision: str = "instant",
    **payload: Any,
) -> LoggedEvent:
    started_at = NIGHT + timedelta(hours=start)
    name, device, modality = source
    return LoggedEvent(
        event_id=UUID(int=number),
        type=kind,
        started_at=started_at,
        ended_at=None if hours is None else started_at + timedelta(hours=hours),
        local_date=DAY,
        local_started_at=started_at.replace(tzinfo=None),
        precision=precision,
        source_name=name,
        source_device=device,
        modality=modality,
        payload=payload or {"asleep_minutes": 420},
    )


def told(*reports: LoggedEvent) -> dict[int, int]:
    return {low.int: high.int for low, high in outranked(reports).items()}


@pytest.mark.parametrize(
    ("higher", "lower"),
    [
        pytest.param(report(2, WATCH), report(1, DIARY), id="measured before remembered"),
        pytest.param(report(2, WATCH), report(1, COPY), id="the maker's record before a copy"),
        pytest.param(
            report(2, DIARY, asleep_minutes=420, quality=7),
            report(1, ("app", None, "self_reported")),
            id="what says more",
        ),
        pytest.param(report(2, DIARY, hours=8.5), report(1, ("app", None, "self_reported")), id="the longer"),
        pytest.param(report(1, DIARY), report(2, ("app", None, "self_reported")), id="else the lower id"),
        pytest.param(
            report(1, ("watch", "left", "sensed")), report(2, ("watch", "right", "sensed")), id="devices"
        ),
    ],
)
def test_the_higher_ranked_of_two_sources_counts(higher: LoggedEvent, lower: LoggedEvent) -> None:
    expected = {lower.event_id.int: higher.event_id.int}

    assert told(higher, lower) == told(lower, higher) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(report(1, WATCH), report(2, WATCH), id="one source tells of two sleeps"),
        pytest.param(report(1, WATCH), report(2, DIARY, start=4.1), id="less than half in common"),
        pytest.param(
            report(1, WATCH), report(2, DIARY, start=3, hours=1, is_nap=True, asleep_minutes=50), id="a nap"
        ),
        pytest.param(
            report(1, WATCH), report(2, DIARY, kind="exercise.recorded", load=3), id="a night and a workout"
        ),
        pytest.param(
            report(1, WATCH, kind="energy.rated", energy=5),
            report(2, DIARY, kind="energy.rated", energy=6),
            id="ratings, of which one has many",
        ),
        pytest.param(report(1, WATCH), report(2, DIARY, start=9, hours=None), id="an instant after the end"),
    ],
)
def test_reports_of_two_things_both_count(one: LoggedEvent, other: LoggedEvent) -> None:
    assert told(one, other) == {}


def test_half_of_the_shorter_is_enough_and_a_bare_date_spans_its_day() -> None:
    assert told(report(1, WATCH), report(2, DIARY, start=4)) == {2: 1}
    assert told(report(1, WATCH), report(2, DIARY, start=12, hours=None, precision="day")) == {2: 1}
    assert told(report(1, WATCH), report(2, DIARY, start=1, hours=None)) == {2: 1}


def test_an_outranked_report_outranks_in_its_turn() -> None:
    # The diary's long entry overlaps both; the watch and the app's nap-like tail do not touch.
    watch, diary = report(1, WATCH, hours=4), report(2, DIARY, hours=8, asleep_minutes=1, quality=2)
    app = report(3, ("app", None, "self_reported"), start=5, hours=3)

    assert told(watch, diary, app) == {2: 1, 3: 2}


_reports = st.builds(
    report,
    st.integers(1, 2**64),
    st.sampled_from([DIARY, WATCH, COPY, ("watch", "left", "sensed")]),
    start=st.integers(-8, 8).map(lambda half: half / 2),
    hours=st.none() | st.integers(0, 20).map(lambda half: half / 2),
    kind=st.sampled_from(["sleep.recorded", "exercise.recorded"]),
    precision=st.sampled_from(["instant", "instant", "day"]),
    is_nap=st.booleans(),
)


@given(st.lists(_reports, max_size=6, unique_by=lambda found: found.event_id))
def test_order_does_not_matter_and_the_highest_always_counts(reports: list[LoggedEvent]) -> None:
    found = outranked(reports)

    assert all(outranked(list(order)) == found for order in list(permutations(reports))[:24])
    assert len(found) < len(reports) or not reports
    # Nobody outranks in a circle: following the higher one always comes to an end.
    for low in found:
        seen = {low}
        while (low := found.get(low, low)) not in seen:
            seen.add(low)


@given(st.lists(_reports, min_size=1, max_size=6, unique_by=lambda found: found.event_id))
def test_a_deletion_lets_others_count_and_hides_nobody(reports: list[LoggedEvent]) -> None:
    found = outranked(reports)

    for deleted in reports:
        left = outranked([kept for kept in reports if kept is not deleted])
        assert set(left) <= set(found) - {deleted.event_id}


def test_a_night_that_two_sources_tell_of_is_slept_once() -> None:
    watch, diary = report(1, WATCH, asleep_minutes=431), report(2, DIARY, asleep_minutes=480)

    tile = tiles_of([diary, watch])[DAY]["sleep_minutes"]

    assert (tile.n, tile.sum) == (1, 431_000)
    assert tiles_of([diary])[DAY]["sleep_minutes"].sum == 480_000
