"""From bytes to something that can be judged as an event, or to the reason why not."""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json

from aurora.events.acceptance import Rejected, undecodable
from serving.events.lines import TooLong

_NUL = b"\\u0000"


def read_object(raw: bytes) -> dict[str, Any] | Rejected:
    """The JSON object in these bytes, or a rejection in words."""
    try:
        found = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        return undecodable(raw, f"not JSON in UTF-8: {_in_words(error)}")
    if not isinstance(found, dict):
        return undecodable(raw, "an event is a JSON object")
    if _NUL in raw:
        return undecodable(raw, "text may not hold NUL characters, which Postgres cannot store")
    return found


def read_line(line: bytes | TooLong, limit: int) -> dict[str, Any] | Rejected:
    """The event on one line of a batch."""
    if isinstance(line, TooLong):
        kept = line.start.decode("utf-8", "backslashreplace")
        return Rejected("too_large", f"this line is longer than {limit:,} bytes", kept)
    return read_object(line)


def read_events(raw: bytes) -> list[Any]:
    """The list in `{"events": […]}`; ValueError in words when there is none."""
    try:
        found = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise ValueError(f"the body is not JSON in UTF-8: {_in_words(error)}") from None
    events = found.get("events") if isinstance(found, dict) else None
    if not isinstance(events, list):
        raise ValueError('a batch is a JSON object {"events": […]}')
    if _NUL in raw:
        raise ValueError("text may not hold NUL characters, which Postgres cannot store")
    return events


def _in_words(error: ValueError) -> str:
    return str(error).split("\n", 1)[0]
