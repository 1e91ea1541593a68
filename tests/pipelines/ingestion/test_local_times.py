"""Which of two instants a wall clock meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from aurora import clock
from pipelines.ingestion.local_times import placed

ZONES = ("Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC")
# The weeks in which the clocks of these zones change, in spring and in autumn.
DAYS = st.integers(0, 30).map(
    lambda day: datetime(2023, 3, 10, tzinfo=UTC) + timedelta(days=day)
) | st.integers(0, 14).map(lambda day: datetime(2023, 10, 26, tzinfo=UTC) + timedelta(days=day))


@given(
    DAYS,
    st.timedeltas(timedelta(0), timedelta(days=1)),
    st.timedeltas(timedelta(minutes=90), timedelta(hours=14)),
    st.sampled_from(ZONES),
)
def test_what_took_longer_than_a_clock_can_jump_is_placed_where_it_was(
    day: datetime, later: timedelta, elapsed: timedelta, tz: str
) -> None:
    began = day + later
    written = [clock.local_time(at, tz).replace(tzinfo=clock.zone(tz)) for at in (began, began + elapsed)]

    assert placed(written[0], written[1], elapsed) == (began, began + elapsed)


def test_end_that_is_not_written_follows_from_the_start() -> None:
    start = datetime(2023, 10, 29, 1, 30, tzinfo=clock.zone("Europe/Oslo"))

    assert placed(start, None, timedelta(hours=3)) == (
        datetime(2023, 10, 28, 23, 30, tzinfo=UTC),
        datetime(2023, 10, 29, 2, 30, tzinfo=UTC),
    )


def test_time_with_an_offset_is_unmistakable() -> None:
    start, end = datetime(2023, 10, 29, 0, 30, tzinfo=UTC), datetime(2023, 10, 29, 7, tzinfo=UTC)

    assert placed(start, end, timedelta(hours=1)) == (start, end)
