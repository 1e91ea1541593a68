"""Tiles: what one person's local day holds of one measure, as scaled integers that merge exactly.

The basis of both engines. dbt keeps every version of every tile by when it became known; live state keeps the
newest of the last 28 days. A touched day is recomputed from the log, never added to: effects are idempotent.
"""

from __future__ import annotations

import struct
from binascii import crc_hqx
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from aurora.events.catalogue import EVENT_TYPES, MEASURES

LIVE_DAYS: Final = 28


@dataclass(frozen=True, slots=True)
class Tile:
    """Count, sum, sum of squares, extremes and the last value, in units of 1/scale; `last_at` in UTC."""

    n: int
    sum: int
    sum_squares: int
    min: int
    max: int
    last: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """What a tile needs of one visible event of the log."""

    event_id: UUID
    type: str
    started_at: datetime
    ended_at: datetime | None
    local_date: date
    local_started_at: datetime
    precision: str
    payload: Mapping[str, Any]

    @property
    def at(self) -> datetime:
        return self.ended_at or self.started_at


Tiles = Mapping[date, Mapping[str, Tile]]
"""Local day → measure → tile."""


def tiles_of(events: Iterable[LoggedEvent]) -> dict[date, dict[str, Tile]]:
    """The tiles of these events, each event counted once. Order does not matter."""
    tiles: dict[date, dict[str, Tile]] = {}
    # The last value is that of the latest event; of two at one instant, the one with the higher id.
    for event in sorted(events, key=lambda event: (event.at, event.event_id)):
        for measure in EVENT_TYPES[event.type].measures if event.type in EVENT_TYPES else ():
            if not measure.belongs(event.local_started_at, event.precision):
                continue
            value = measure.scaled(event.payload, event.started_at, event.ended_at)
            if value is None:
                continue
            day = tiles.setdefault(event.local_date, {})
            day[measure.name] = _with(day.get(measure.name), value, event.at)
    return tiles


def _with(tile: Tile | None, value: int, at: datetime) -> Tile:
    if tile is None:
        return Tile(1, value, value * value, value, value, value, at)
    return Tile(
        n=tile.n + 1,
        sum=tile.sum + value,
        sum_squares=tile.sum_squares + value * value,
        min=min(tile.min, value),
        max=max(tile.max, value),
        last=value,
        last_at=at,
    )


# --- packing for Redis --------------------------------------------------------------------------------------

_RECORD: Final = struct.Struct("<HIqqqqq")
"""Measure code, n, sum, min, max, last, last_at in µs since 1970; the sum of squares follows as 16 bytes."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def pack(day: Mapping[str, Tile]) -> bytes:
    """One local day's tiles as bytes."""
    parts = []
    for name, tile in day.items():
        micros = (tile.last_at - _EPOCH) // _MICROSECOND
        parts.append(_RECORD.pack(_CODES[name], tile.n, tile.sum, tile.min, tile.max, tile.last, micros))
        parts.append(tile.sum_squares.to_bytes(16, "little"))
    return b"".join(parts)


def unpack(packed: bytes) -> dict[str, Tile]:
    """The tiles of one local day; measures that left the catalogue since are passed over."""
    day: dict[str, Tile] = {}
    size = _RECORD.size + 16
    for offset in range(0, len(packed), size):
        code, n, total, low, high, last, micros = _RECORD.unpack_from(packed, offset)
        squares = int.from_bytes(packed[offset + _RECORD.size : offset + size], "little")
        name = _NAMES.get(code)
        if name is not None:
            last_at = _EPOCH + micros * _MICROSECOND
            day[name] = Tile(n, total, squares, low, high, last, last_at)
    return day


def _code(name: str) -> int:
    """A stable 16-bit code of a measure's name; it does not depend on the catalogue's order."""
    return crc_hqx(name.encode(), 0xFFFF)


_CODES: Final = {name: _code(name) for name in MEASURES}
_NAMES: Final = {code: name for name, code in _CODES.items()}
