"""Tiles as bytes: a local day of a person in about a hundred bytes, seven days in one field of Redis.

Most tiles hold one value, and most tiles of a day come from few events. So a day is a sequence of tiles in the
order of the catalogue, of the measures that something live reads, and each says only what does not follow from
the tile before it or from its own values:

    head    steps in the catalogue since the tile before, whether the time is the same, the shape
    time    unless it is the same: the difference, in minutes if whole, else in seconds, else in microseconds
    values  by shape, see below

A part of a rating (`Measure.lies_in`) has no time, only the count and the sum as far as they are not the whole's.

All numbers are varints; values are divided by a thousand, a hundred or ten if that leaves no rest. Nothing is
lost: what was packed comes back equal.
"""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

from aurora.events.catalogue import MEASURES
from aurora.features.catalogue import FEATURES
from aurora.features.tiles import Tile

VERSION: Final = 5
"""Raise it when these bytes or what counts in a tile change their meaning: what lies in Redis is then rebuilt."""

_OF_SCORES: Final = frozenset(
    {"active_minutes", "hrv", "hydration", "medication_doses", "resting_heart_rate", "steps"}
)
"""What today's provisional scores read beside the features; a test of the streams holds it to them."""

KEPT: Final = tuple(
    name
    for name in MEASURES
    if name in _OF_SCORES or any(name == window.measure for f in FEATURES.values() for window in f.windows)
)
"""The measures of live state: those that something live reads. The others are the warehouse's alone."""

_NUMBERS: Final = {name: number for number, name in enumerate(KEPT)}

_LIES_IN: Final = [MEASURES[name].lies_in for name in KEPT]
"""The whole of each that is a part. It comes before its parts."""

ENCODING: Final = bytes([VERSION]) + crc_hqx("\n".join(KEPT).encode(), 0xFFFF).to_bytes(2, "little")
"""Names the way in which tiles are packed: the version, and the measures that they are counted by."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_MICROSECOND: Final = timedelta(microseconds=1)
_DAY, _MINUTE, _SECOND = 86_400_000_000, 60_000_000, 1_000_000
_TIMES: Final = (_MINUTE, _SECOND, 1)
_UNITS: Final = (1000, 100, 10, 1)

REMEMBERED_WEEKS: Final = 512
"""Of a process, some ten megabytes: of the five weeks of a person four hardly ever change from one look to the next."""

_SAME: Final = 0
"""All of it is that of the tile before."""
_ONE, _TWO, _THREE = 1, 2, 3
"""So many values, the last in time first."""
_EQUAL, _EQUAL_AGAIN = 4, 5
"""n and the value of all n; or only the value, when n is that of the tile before."""
_ZEROS_AND_ONES: Final = 6
"""How many ones there are among the n of the tile before, and which the last is."""
_MANY: Final = 7
"""n, sum of squares, sum, min, max, last."""
_SAME_TIME: Final = 8

_SUM_OF_PART, _ALL_OF_PART = 1, 2
"""Of a part: its sum, where its count is the whole's; or the count and the sum. `_SAME` is the whole's too."""
_NO_WHOLE: Final = Tile(0, 0)


def pack(day: date, tiles: Mapping[str, Tile]) -> bytes:
    """One local day's tiles of the measures that are kept, as bytes."""
    packed = bytearray()
    before, at = -1, (day.toordinal() - _EPOCH_DAY) * _DAY
    previous: Tile | None = None
    for number, tile in sorted((_NUMBERS[name], tile) for name, tile in tiles.items() if name in _NUMBERS):
        head = (number - before - 1) << 4
        before = number
        if (whole := _LIES_IN[number]) is not None:
            _put_part(packed, head, tile, tiles.get(whole, _NO_WHOLE))
            continue
        if tile == previous:
            _put(packed, head | _SAME)
            continue
        shape, numbers = _shaped(tile, previous.n if previous else 0)
        micros = (tile.last_at - _EPOCH) // _MICROSECOND
        if micros == at:
            _put(packed, head | _SAME_TIME | shape)
        else:
            _put(packed, head | shape)
            _put_time(packed, micros - at)
        for coded in numbers:
            _put(packed, coded)
        previous, at = tile, micros
    return bytes(packed)


def unpack(day: date, packed: bytes) -> dict[str, Tile]:
    """The tiles of one local day."""
    tiles: dict[str, Tile] = {}
    numbers = _numbers(packed)
    position, end = 0, len(numbers)
    number, at = -1, (day.toordinal() - _EPOCH_DAY) * _DAY
    last_at: datetime | None = None
    tile: Tile | None = None
    while position < end:
        head = numbers[position]
        number += (head >> 4) + 1
        shape = head & 7
        position += 1
        if (whole := _LIES_IN[number]) is not None:
            tiles[KEPT[number]] = _part(
                shape, numbers[position : position + shape], tiles.get(whole, _NO_WHOLE)
            )
            position += shape
            continue
        if shape == _SAME and tile is not None:
            tiles[KEPT[number]] = tile
            continue
        if not head & _SAME_TIME:
            time = numbers[position]
            position += 1
            at += _unzigzag(time >> 2) * _TIMES[time & 3]
            last_at = None
        if last_at is None:
            last_at = _EPOCH + at * _MICROSECOND
        if shape == _ONE:  # by far the most
            value = _value(numbers[position])
            position += 1
            tile = Tile(1, value, value * value, value, value, value, last_at)
        else:
            taken = _TAKES[shape]
            tile = _tile(shape, numbers[position : position + taken], tile.n if tile else 0, last_at)
            position += taken
        tiles[KEPT[number]] = tile
    return tiles


def _put_part(packed: bytearray, head: int, part: Tile, whole: Tile) -> None:
    if part == Tile(whole.n, whole.sum):
        _put(packed, head | _SAME)
    elif part.n == whole.n:
        _put(packed, head | _SUM_OF_PART)
        _put(packed, _coded(part.sum))
    else:
        _put(packed, head | _ALL_OF_PART)
        _put(packed, part.n)
        _put(packed, _coded(part.sum))


def _part(shape: int, numbers: list[int], whole: Tile) -> Tile:
    """Its shape says how many numbers it has."""
    if shape == _SAME:
        return Tile(whole.n, whole.sum)
    return Tile(whole.n if shape == _SUM_OF_PART else numbers[0], _value(numbers[-1]))


_TAKES: Final = (0, 1, 2, 3, 2, 1, 1, 6)
"""Shape → how many numbers it takes."""


def _shaped(tile: Tile, n_before: int) -> tuple[int, tuple[int, ...]]:
    """The shortest shape that says all of this tile, and its numbers."""
    n, low, high, last = tile.n, tile.min, tile.max, tile.last
    if low == high == last and tile.sum == n * low and tile.sum_squares == n * low * low:
        if n == 1:
            return _ONE, (_coded(low),)
        return (_EQUAL_AGAIN, (_coded(low),)) if n == n_before else (_EQUAL, (n, _coded(low)))
    if n == n_before and low == 0 and high == 1 and last in {0, 1} and tile.sum == tile.sum_squares:
        return _ZEROS_AND_ONES, (_zigzag(tile.sum) << 1 | last,)
    if n in {2, 3}:
        others = [low, tile.sum - low - high, high] if n == 3 else [low, high]
        if last in others:
            others.remove(last)
            values = (last, *others)
            if _of_values(values, tile.last_at) == tile:
                return n, tuple(map(_coded, values))
    return _MANY, (n, tile.sum_squares, *map(_coded, (tile.sum, low, high, last)))


def _tile(shape: int, numbers: list[int], n_before: int, at: datetime) -> Tile:
    if shape in {_EQUAL, _EQUAL_AGAIN}:
        n, value = n_before if shape == _EQUAL_AGAIN else numbers[0], _value(numbers[-1])
        return Tile(n, n * value, n * value * value, value, value, value, at)
    if shape == _ZEROS_AND_ONES:
        ones = _unzigzag(numbers[0] >> 1)
        return Tile(n_before, ones, ones, 0, 1, numbers[0] & 1, at)
    if shape == _MANY:
        total, low, high, last = map(_value, numbers[2:])
        return Tile(numbers[0], total, numbers[1], low, high, last, at)
    return _of_values([_value(coded) for coded in numbers], at)


def _of_values(values: Sequence[int], at: datetime) -> Tile:
    """The tile of these values, of which the first was the last in time."""
    squares = sum([value * value for value in values])
    return Tile(len(values), sum(values), squares, min(values), max(values), values[0], at)


# --- weeks --------------------------------------------------------------------------------------------------
# A field costs Redis as much again as a day's bytes: seven days share one.


def pack_date(day: date) -> bytes:
    return (day.toordinal() - _EPOCH_DAY).to_bytes(2, "big")


def unpack_date(packed: bytes) -> date:
    return date.fromordinal(int.from_bytes(packed, "big") + _EPOCH_DAY)


def week_of(day: date) -> bytes:
    """The field in which this local day lies."""
    return ((day.toordinal() - _EPOCH_DAY) // 7).to_bytes(2, "big")


def days_of(week: bytes, packed: bytes | None) -> dict[date, bytes]:
    """The days of a field, each as `pack` made it."""
    days: dict[date, bytes] = {}
    first = int.from_bytes(week, "big") * 7 + _EPOCH_DAY
    position = 0
    while packed and position < len(packed):
        start = position + 3
        end = start + int.from_bytes(packed[position + 1 : start], "big")
        days[date.fromordinal(first + packed[position])] = packed[start:end]
        position = end
    return days


@lru_cache(maxsize=REMEMBERED_WEEKS)
def tiles_of_week(week: bytes, packed: bytes) -> Mapping[date, Mapping[str, Tile]]:
    """The tiles of a field by day. Not to be changed: they are remembered."""
    return {day: unpack(day, of_day) for day, of_day in days_of(week, packed).items()}


def week_with(days: Mapping[date, bytes]) -> bytes:
    """The field that holds these days of one week; a day without tiles takes no room."""
    return b"".join(
        bytes([(day.toordinal() - _EPOCH_DAY) % 7]) + len(packed).to_bytes(2, "big") + packed
        for day, packed in sorted(days.items())
        if packed
    )


# --- varints ------------------------------------------------------------------------------------------------


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else ~number << 1 | 1


def _unzigzag(number: int) -> int:
    return ~(number >> 1) if number & 1 else number >> 1


def _coded(value: int) -> int:
    if value % 10:
        return _zigzag(value) << 2 | 3
    unit = 0 if value % 1000 == 0 else 1 if value % 100 == 0 else 2
    return _zigzag(value // _UNITS[unit]) << 2 | unit


def _value(coded: int) -> int:
    half = coded >> 3
    return (~half if coded & 4 else half) * _UNITS[coded & 3]


def _put(packed: bytearray, number: int) -> None:
    while number > 127:
        packed.append(number & 127 | 128)
        number >>= 7
    packed.append(number)


def _put_time(packed: bytearray, micros: int) -> None:
    unit = 0 if micros % _MINUTE == 0 else 1 if micros % _SECOND == 0 else 2
    _put(packed, _zigzag(micros // _TIMES[unit]) << 2 | unit)


def _numbers(packed: bytes) -> list[int]:
    numbers, number, shift = [], 0, 0
    for byte in packed:
        if byte < 128:
            numbers.append(number | byte << shift if shift else byte)
            number = shift = 0
        else:
            number |= (byte & 127) << shift
            shift += 7
    return numbers
