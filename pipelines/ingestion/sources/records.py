"""What a source yields: rows, records that cannot be read, and counts of those that nothing reads."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aurora.events.acceptance import RejectionCode

Row = dict[str, Any]
"""Flat cells, as the mapping reads them. `records` says how many records of the export it was made of."""

NotRead = Counter[str]
"""Records that AURORA has no type for, by the name that the export gives them."""

RECORDS: Final = "records"
NOT_READ: Final = "not_read"
PROBLEM: Final = "problem"
"""A row with this cell is a record that was read and says something impossible: a dead letter."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_KEPT_CHARACTERS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Bad:
    """A part of the export that could not be read, and why."""

    code: RejectionCode
    reason: str
    body: str = ""


class RecordUnreadableError(Exception):
    """One record says something that cannot be read."""


def problem(record: object, error: Exception) -> Row:
    """A record that becomes a dead letter; its neighbours stay."""
    return {PROBLEM: str(error), "record": str(record)[:_KEPT_CHARACTERS], RECORDS: 1}


def milliseconds(instant: datetime) -> int:
    """Since the epoch. A time without an offset counts as if it were UTC: it stays a wall-clock time."""
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MILLISECOND


def text_of_time(at_ms: int, *, is_local: bool = False) -> str:
    """The other way round, as a mapping reads it: with an offset, or as wall-clock time without one."""
    instant = _EPOCH + at_ms * _MILLISECOND
    return instant.replace(tzinfo=None).isoformat() if is_local else instant.isoformat()


def number(value: object, name: str) -> float:
    """A finite number, written as one or as text."""
    try:
        found = float(value)  # type: ignore[arg-type]  # what is none raises
    except (TypeError, ValueError, OverflowError):
        raise RecordUnreadableError(f"{name} is {str(value)[:40]!r}, which is not a number") from None
    if isinstance(value, bool) or not math.isfinite(found):
        raise RecordUnreadableError(f"{name} is {str(value)[:40]!r}, which is not a number")
    return found


def time(text: object, name: str, form: str = "iso") -> datetime:
    """A time in a strptime `form`, or ISO 8601; without an offset it is a wall-clock time."""
    try:
        written = str(text)
        found = datetime.fromisoformat(written) if form == "iso" else datetime.strptime(written, form)  # noqa: DTZ007
        milliseconds(found)
    except (ValueError, OverflowError):
        raise RecordUnreadableError(f"{name} is {str(text)[:40]!r}, which is not a time") from None
    return found
