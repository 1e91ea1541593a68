"""Tiles as bytes: what was packed comes back, and takes little room."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora.events.catalogue import MEASURES
from aurora.features.packing import ENCODING, KEPT, VERSION, days_of, pack, unpack, week_of, week_with
from aurora.features.tiles import Tile
from tests.aurora.features.tiles_of_days import Day, days

DAY = date(2026, 3, 30)
NOON = datetime(2026, 3, 30, 12, tzinfo=UTC)


def as_kept(name: str, tile: Tile) -> Tile:
    """Of what lies in the tile of another measure a count and a sum are kept."""
    return tile if MEASURES[name].lies_in is None else Tile(tile.n, tile.sum)


any_number = st.integers(-(2**70), 2**70)
any_tiles = st.builds(
    Tile,
    st.integers(1, 2**33),
    any_number,
    st.integers(0, 2**140),
    any_number,
    any_number,
    any_number,
    st.datetimes(datetime(1900, 1, 1), datetime(2261, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # in UTC
)
tiles_of_days = days.filter(bool).map(lambda found: found[0])


@given(st.dictionaries(st.sampled_from(KEPT), tiles_of_days), st.dates(date(1970, 1, 1), DAY))
def test_packed_tiles_come_back_as_they_were(found: dict[str, Day], day: date) -> None:
    tiles = {name: as_kept(name, entry.tile) for name, entry in found.items()}

    assert unpack(day, pack(day, tiles)) == tiles


@given(st.dictionaries(st.sampled_from(KEPT), any_tiles, max_size=5))
def test_tiles_that_no_events_could_make_come_back_as_well(tiles: dict[str, Tile]) -> None:
    tiles = {name: as_kept(name, tile) for name, tile in tiles.items()}

    assert unpack(DAY, pack(DAY, tiles)) == tiles


@pytest.mark.parametrize(
    ("values", "size"),
    [
        ((7_000,), 4),
        ((7_000, 7_000, 7_000, 7_000), 5),
        ((7_000, 4_000), 5),
        ((7_000, 4_500, 6_000), 7),
        ((7_000, 4_000, 6_000, 5_000), 13),
    ],
)
def test_a_tile_takes_no_more_than_its_values_need(values: tuple[int, ...], size: int) -> None:
    tile = Tile(
        len(values), sum(values), sum(v * v for v in values), min(values), max(values), values[-1], NOON
    )

    assert len(pack(DAY, {"sleep_minutes": tile})) == size
    assert unpack(DAY, pack(DAY, {"sleep_minutes": tile})) == {"sleep_minutes": tile}


def test_what_a_tile_shares_with_the_one_before_is_not_said_again() -> None:
    night, same, other = (Tile(1, value, value**2, value, value, value, NOON) for value in (0, 0, 1))
    sizes = [
        len(pack(DAY, tiles))
        for tiles in (
            {"sleep_minutes": night},
            {"sleep_minutes": night, "main_sleep_minutes": same},
            {"sleep_minutes": night, "main_sleep_minutes": other},
        )
    ]

    assert sizes == [4, 5, 6]


def test_of_what_lies_in_a_tile_only_what_differs_from_it_is_said() -> None:
    mood = Tile(2, 3, 5, 1, 2, 2, NOON)
    sizes = [
        len(pack(DAY, {"mood": mood, "mood_evening": part})) - len(pack(DAY, {"mood": mood}))
        for part in (Tile(2, 3), Tile(2, 1), Tile(1, 1))
    ]

    assert sizes == [1, 2, 3]


@given(st.sets(st.integers(0, 6)), st.integers(0, 8000))
def test_days_of_a_week_come_back_out_of_its_field(weekdays: set[int], week: int) -> None:
    first = date(1970, 1, 1) + timedelta(weeks=week)
    found = {first + timedelta(days=number): bytes([number]) * (number * 50 + 1) for number in weekdays}

    assert days_of(week_of(first), week_with(found)) == found
    assert {week_of(day) for day in found} <= {week_of(first)}


def test_a_day_without_tiles_takes_no_room() -> None:
    assert week_with({DAY: pack(DAY, {})}) == b""
    assert days_of(week_of(DAY), None) == {}


def test_the_encoding_names_its_version_and_the_measures() -> None:
    assert ENCODING[0] == VERSION
    assert len(ENCODING) == 3


def test_measures_that_nothing_live_reads_are_left_to_the_warehouse() -> None:
    tile = Tile(1, 0, 0, 0, 0, 0, NOON)
    assert "temperature" in set(MEASURES) - set(KEPT)

    assert unpack(DAY, pack(DAY, {"mood": tile, "temperature": tile})) == {"mood": tile}
