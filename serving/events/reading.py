"""From bytes to something that can be judged as an event, or to the reason why not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from pydantic_core import from_json

from aurora.events.acceptance import Rejected, undecodable
from serving.events.lines import TooLong

_NUL = b"\\u0000"
_NO_BATCH: Final = 'a batch is a JSON object {"events": […]}'
_BLANKS: Final = frozenset(" \t\r\n")
_DECODER: Final = json.JSONDecoder()


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


def events_in(body: bytes) -> Iterator[dict[str, Any] | Rejected]:
    """The events in `{"events": […]}`, one after the other, so that they are never all in memory at once.

    ValueError in words at the place where it is no such thing.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise ValueError("the body is not JSON in UTF-8") from None
    try:
        yield from _events_in(text)
    except RecursionError:
        raise ValueError("the body is not JSON in UTF-8: it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"the body is not JSON in UTF-8: {error}") from None


def _events_in(text: str) -> Iterator[dict[str, Any] | Rejected]:
    at = _skip(text, 0)
    if not text.startswith("{", at):
        raise ValueError(_NO_BATCH)
    at, is_found = _skip(text, at + 1), False
    while not text.startswith("}", at):
        name, at = _DECODER.raw_decode(text, at)
        at = _behind(text, _skip(text, at), ":")
        if name != "events":
            _, at = _DECODER.raw_decode(text, at)
        elif is_found or not text.startswith("[", at):
            raise ValueError(_NO_BATCH)
        else:
            is_found, at = True, _skip(text, at + 1)
            while not text.startswith("]", at):
                start = at
                _, at = _DECODER.raw_decode(text, at)
                yield read_object(text[start:at].encode())
                at = _behind_element(text, at, "]")
            at += 1
        at = _behind_element(text, at, "}")
    if not is_found:
        raise ValueError(_NO_BATCH)
    if _skip(text, at + 1) != len(text):
        raise json.JSONDecodeError("Extra data", text, at + 1)


def _behind_element(text: str, at: int, closing: str) -> int:
    """Where the next element begins, or the list or object is closed."""
    at = _skip(text, at)
    if text.startswith(closing, at):
        return at
    at = _behind(text, at, ",")
    if text.startswith(closing, at):
        raise json.JSONDecodeError("Illegal trailing comma", text, at)
    return at


def _behind(text: str, at: int, character: str) -> int:
    if not text.startswith(character, at):
        raise json.JSONDecodeError(f"Expecting '{character}'", text, at)
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    """Behind the blanks at this place."""
    while text[at : at + 1] in _BLANKS:
        at += 1
    return at


def _in_words(error: ValueError) -> str:
    return str(error).split("\n", 1)[0]
