"""Time: the one place that converts between instants and a person's local day.

Zone data come from the pinned `tzdata` wheel, never from the operating system: Postgres, polars and
the system's own tables differ in 8–15 zones, and a local day must not depend on the machine.
"""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import tzdata

from aurora.errors import UnknownTimeZoneError

# An empty search path makes zoneinfo read the tzdata wheel only.
zoneinfo.reset_tzpath(to=())


def data_version() -> str:
    """The version of the zone data, as the IANA names it: `2026c`."""
    return tzdata.IANA_VERSION


def now() -> datetime:
    """This instant, in UTC."""
    return datetime.now(UTC)


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The IANA zone called `name`; UnknownTimeZoneError when there is none."""
    try:
        return ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownTimeZoneError(name) from error


def local_time(instant: datetime, tz: str) -> datetime:
    """The wall-clock time of an instant in a zone, without an offset (what is stored as `local_…_at`)."""
    return instant.astimezone(zone(tz)).replace(tzinfo=None)


def local_date(instant: datetime, tz: str) -> date:
    """The calendar day of an instant in a zone."""
    return instant.astimezone(zone(tz)).date()


def day_start(day: date, tz: str) -> datetime:
    """The UTC instant at which a local day begins.

    Where a DST change skips midnight the day begins at the first wall-clock time that exists; where it
    repeats midnight, at the first of the two.
    """
    midnight = datetime.combine(day, time(), zone(tz))
    start = midnight.astimezone(UTC)
    # In a gap, zoneinfo's fold=0 answers with the offset before the change, which maps midnight to an
    # instant whose local reading is later than 00:00; that instant is the change itself or after it.
    back = start.astimezone(zone(tz)).replace(tzinfo=None)
    if back == datetime.combine(day, time()):
        return start
    return _first_instant_of(day, tz, near=start)


def day_end(day: date, tz: str) -> datetime:
    """The UTC instant at which a local day ends: the start of the next one."""
    return day_start(day + timedelta(days=1), tz)


def _first_instant_of(day: date, tz: str, *, near: datetime) -> datetime:
    """Bisect to the second at which the zone's calendar turns to `day` (or to a later one)."""
    before, after = near - timedelta(hours=26), near + timedelta(hours=26)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        if local_date(middle, tz) < day:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)
