"""Every transition of every zone of the pinned wheel, read from its files by a reader of our own.

It shares nothing with `zoneinfo`: an oracle, written after RFC 8536. What a file says after its last explicit
transition is a rule in POSIX form; those are read for the years up to 2037.
"""

from __future__ import annotations

import bisect
import re
import struct
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources

LAST_YEAR = 2037
_RULE = re.compile(r"(<[^>]+>|[A-Za-z]+)(-?\+?[\d:]+)(?:(<[^>]+>|[A-Za-z]+)(-?\+?[\d:]+)?)?(?:,(.+),(.+))?")


@dataclass(frozen=True)
class Zone:
    """Offsets from UTC in seconds: `offsets[i]` holds from `instants[i - 1]` (POSIX time) to `instants[i]`."""

    name: str
    instants: tuple[int, ...]
    offsets: tuple[int, ...]

    def local(self, instant: datetime) -> datetime:
        """The wall clock."""
        posix = (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
        offset = self.offsets[bisect.bisect_right(self.instants, posix)]
        return (instant + timedelta(seconds=offset)).replace(tzinfo=None)

    def transitions(self) -> list[datetime]:
        """Since 1970: before that no event is accepted."""
        return [datetime.fromtimestamp(at, UTC) for at in self.instants if at > 86_400]


@cache
def all_zones() -> dict[str, Zone]:
    """Every name of the wheel; names of one and the same file share a Zone's data."""
    root = resources.files("tzdata")
    names = (root / "zones").read_text(encoding="utf-8").split()
    return {name: _read(name, root.joinpath("zoneinfo", *name.split("/")).read_bytes()) for name in names}


def distinct_zones() -> list[Zone]:
    """One name for each set of data."""
    found = {(zone.instants, zone.offsets): zone for zone in reversed(all_zones().values())}
    return list(found.values())


def _read(name: str, raw: bytes) -> Zone:
    first = _header(raw, 0)
    start = 44 + _size(first, 4)  # the second part has 64-bit times
    isut, isstd, leap, times, types, chars = counts = _header(raw, start)
    at = start + 44
    instants = list(struct.unpack(f">{times}q", raw[at : at + 8 * times]))
    kinds = raw[at + 8 * times : at + 9 * times]
    infos = [
        struct.unpack(">lBB", raw[at + 9 * times + 6 * n : at + 9 * times + 6 * n + 6]) for n in range(types)
    ]
    offsets = [infos[0][0], *(infos[kind][0] for kind in kinds)]
    footer = raw[start + 44 + _size(counts, 8) :].strip(b"\n").decode()
    del isut, isstd, leap, chars
    for instant, offset in _by_rule(footer):
        if not instants or instant > instants[-1]:
            instants.append(instant)
            offsets.append(offset)
    return Zone(name, tuple(instants), tuple(offsets))


def _header(raw: bytes, at: int) -> tuple[int, ...]:
    assert raw[at : at + 4] == b"TZif"
    return struct.unpack(">6l", raw[at + 20 : at + 44])


def _size(counts: tuple[int, ...], width: int) -> int:
    isut, isstd, leap, times, types, chars = counts
    return times * (width + 1) + types * 6 + chars + leap * (width + 4) + isstd + isut


def _by_rule(footer: str) -> list[tuple[int, int]]:
    match = _RULE.fullmatch(footer)
    assert match, footer
    _, standard, summer_name, summer, begins, ends = match.groups()
    if summer_name is None:
        return []
    winter_offset = -_seconds(standard)
    summer_offset = -_seconds(summer) if summer else winter_offset + 3600
    found = []
    for year in range(1970, LAST_YEAR + 1):
        found.append((_posix(begins, year) - winter_offset, summer_offset))
        found.append((_posix(ends, year) - summer_offset, winter_offset))
    return sorted(found)


def _posix(rule: str, year: int) -> int:
    """`M3.5.0/2`: of March, the last (5) Sunday (0), at two; `J60`: day 60, never counting a leap day; `59`."""
    day_part, _, time_part = rule.partition("/")
    if day_part.startswith("M"):
        month, week, weekday = map(int, day_part[1:].split("."))
        first = date(year, month, 1)
        day = first + timedelta(days=(weekday - (first.weekday() + 1)) % 7 + 7 * (week - 1))
        while day.month != month:
            day -= timedelta(days=7)
    elif day_part.startswith("J"):
        day = date(2001, 1, 1) + timedelta(days=int(day_part[1:]) - 1)
        day = day.replace(year=year)
    else:
        day = date(year, 1, 1) + timedelta(days=int(day_part))
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return int(midnight.timestamp()) + (_seconds(time_part) if time_part else 7200)


def _seconds(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    hours, minutes, seconds = (*map(int, text.lstrip("+-").split(":")), 0, 0)[:3]
    return sign * (hours * 3600 + minutes * 60 + seconds)
