"""JSON of any size, element by element: what stands before a break is kept.

`items` goes one level deep: the elements of a list, or the entries of an object, those that are lists element
by element as well. That is how every vendor writes.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

MAX_VALUE_CHARACTERS: Final = 5_000_000
"""One night of a Fitbit has some 20,000."""

_EXPONENT_SIGN: Final = len("e+")
_SPACE: Final = " \t\r\n"


class JsonBrokenError(Exception):
    """The JSON cannot be read on."""


def items(chunks: Iterable[bytes]) -> Iterator[tuple[str | None, Any]]:
    """Entries: of a list with None, of an object with their key. JsonBrokenError where it breaks off."""
    text = _Text(chunks)
    match text.next():
        case "[":
            yield from ((None, value) for value in _elements(text))
        case "{":
            yield from _entries(text)
        case _:
            raise JsonBrokenError("it is neither a JSON object nor a list")


def _entries(text: _Text) -> Iterator[tuple[str | None, Any]]:
    if text.peek() == "}":
        return
    while True:
        key = text.value()
        if not isinstance(key, str):
            raise JsonBrokenError(f"an entry without a name at character {text.place:,}")
        text.expect(":")
        if text.peek() == "[":
            text.next()
            yield from ((key, value) for value in _elements(text))
        else:
            yield key, text.value()
        if text.expect(",", "}") == "}":
            return


def _elements(text: _Text) -> Iterator[Any]:
    if text.peek() == "]":
        text.next()
        return
    while True:
        yield text.value()
        if text.expect(",", "]") == "]":
            return


class _Text:
    """Decoded text of which only what is being read is in memory."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._json = json.JSONDecoder(parse_constant=_no_number)
        self._buffer, self._at, self._passed = "", 0, 0

    @property
    def place(self) -> int:
        return self._passed + self._at

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self._at < len(self._buffer):
                if self._buffer[self._at] not in _SPACE:
                    return self._buffer[self._at]
                self._at += 1
            if not self._more():
                return ""

    def next(self) -> str:
        character = self.peek()
        self._at += 1
        return character

    def expect(self, *wanted: str) -> str:
        character = self.next()
        if not character:
            raise JsonBrokenError(f"it ends at character {self.place - 1:,}: is it truncated?")
        if character not in wanted:
            raise JsonBrokenError(
                f"{character!r} at character {self.place - 1:,} where {' or '.join(wanted)} should be"
            )
        return character

    def value(self) -> Any:
        self.peek()
        while True:
            try:
                found, end = self._json.raw_decode(self._buffer, self._at)
            except (ValueError, RecursionError) as error:
                if len(self._buffer) - self._at > MAX_VALUE_CHARACTERS:
                    raise JsonBrokenError(
                        f"at character {self.place:,} stands no JSON, or a value that is too large"
                    ) from error
                if isinstance(error, RecursionError) or not self._more():
                    raise JsonBrokenError(
                        f"the value at character {self.place:,} is broken or cut off: is the file truncated?"
                    ) from error
                continue
            # A number may go on in the next piece: 1 and .5, 1 and e+3.
            if len(self._buffer) - end <= _EXPONENT_SIGN and self._more():
                continue
            self._at = end
            return found

    def _more(self) -> bool:
        chunk = next(self._chunks, None)
        try:
            text = self._decoder.decode(chunk or b"", final=chunk is None)
        except UnicodeDecodeError as error:
            raise JsonBrokenError(f"behind character {self.place:,} it is not UTF-8") from error
        if chunk is None:
            return False
        self._passed += self._at
        self._buffer = self._buffer[self._at :] + text
        self._at = 0
        return True


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is not JSON")
