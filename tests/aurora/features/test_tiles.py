from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from aurora.features.tiles import Tile, tiles_of
from tests.aurora.features.logged import logged

DAY = date(2026, 3, 30)

moods = st.builds(
    lambda day, minute, valence, event: logged(
        "mood.rated",
        f"2026-03-{day:02}T{minute // 60:02}:{minute % 60:02}:00+00:00",
        {"valence": valence / 1000},
        event_id=UUID(int=event),
    ),
    st.integers(28, 30),
    st.integers(0, 1439) | st.just(600),
    st.integers(-1000, 1000),
    st.integers(0, 2**128 - 1),
)


@given(st.lists(moods, max_size=12, unique_by=lambda event: event.event_id), st.randoms())
def test_the_order_in_which_events_come_does_not_matter(events: list[Any], random: Any) -> None:
    shuffled = list(events)
    random.shuffle(shuffled)

    assert tiles_of(shuffled) == tiles_of(events)


def test_a_tile_sums_up_its_day_in_scaled_integers() -> None:
    found = tiles_of(
        [
            logged("energy.rated", "2026-03-30T09:00:00+00:00", {"energy": 6.5}),
            logged("energy.rated", "2026-03-30T21:00:00+00:00", {"energy": 4}),
            logged("energy.rated", "2026-03-30T14:00:00+00:00", {"energy": 8}),
        ]
    )

    assert found[DAY]["energy"] == Tile(
        n=3,
        sum=18_500,
        sum_squares=6_500**2 + 4_000**2 + 8_000**2,
        min=4_000,
        max=8_000,
        last=4_000,
        last_at=datetime(2026, 3, 30, 21, tzinfo=UTC),
    )


def test_the_last_value_is_that_of_the_event_that_ended_latest() -> None:
    night = logged("sleep.recorded", "2026-03-29T23:00:00+00:00", {"asleep_minutes": 420}, minutes=480)
    nap = logged("sleep.recorded", "2026-03-30T05:00:00+00:00", {"asleep_minutes": 20}, minutes=25)

    assert tiles_of([night, nap])[DAY]["sleep_minutes"].last == 420_000


def test_of_two_events_at_one_instant_the_higher_id_is_the_last() -> None:
    low, high = (
        logged("energy.rated", "2026-03-30T09:00:00+00:00", {"energy": energy}, event_id=UUID(int=event))
        for energy, event in ((3, 1), (7, 2))
    )

    assert tiles_of([high, low])[DAY]["energy"].last == 7_000


def test_parts_of_the_day_have_tiles_of_their_own_except_for_bare_dates() -> None:
    evening = {"valence": 0.5}
    at_eight = logged("mood.rated", "2026-03-30T20:00:00+00:00", evening)
    some_time = logged("mood.rated", "2026-03-30T00:00:00+00:00", evening, precision="day")

    assert set(tiles_of([at_eight])[DAY]) == {"mood", "mood_evening", *_CLASSES}
    assert set(tiles_of([some_time])[DAY]) == {"mood", *_CLASSES}


_CLASSES = {f"mood_{name}" for name in ("very_negative", "negative", "neutral", "positive", "very_positive")}


def test_what_lies_in_a_rating_is_counted_and_summed_up() -> None:
    ratings = [
        logged("mood.rated", f"2026-03-30T{hour}:00:00+00:00", {"valence": valence})
        for hour, valence in (("19", 0.5), ("20", 0.1), ("09", 0.3))
    ]
    found = tiles_of(ratings)[DAY]

    assert (found["mood"].n, found["mood"].last) == (3, 100)
    assert found["mood_evening"] == Tile(2, 600)
    assert found["mood_positive"] == Tile(3, 2)


def test_a_part_of_an_amount_has_a_tile_like_any_other() -> None:
    coffee = logged("caffeine.consumed", "2026-03-30T15:00:00+00:00", {"caffeine_mg": 80})
    found = tiles_of([coffee])[DAY]

    assert found["caffeine_afternoon"] == found["caffeine"]


def test_an_event_that_says_nothing_makes_no_tile() -> None:
    assert tiles_of([]) == {}
    assert tiles_of([logged("note.written", "2026-03-30T09:00:00+00:00", {})]) == {}
    assert tiles_of([logged("tea.brewed", "2026-03-30T09:00:00+00:00", {})]) == {}
    nap = logged("sleep.recorded", "2026-03-30T13:00:00+00:00", {"asleep_minutes": 20, "is_nap": True})
    assert "main_sleep_minutes" not in tiles_of([nap])[DAY]
