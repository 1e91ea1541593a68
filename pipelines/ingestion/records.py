"""Records: the rows of a CSV file, checked one by one and copied in a form that every reader agrees on.

A lenient CSV reader fills a row that was cut off with nulls, and a strict one refuses the whole file for a
single stray quote. So each record is counted first: one with too few or too many cells is set aside with its
number, the others go into a clean UTF-8 copy, numbered, which polars then reads.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aurora.events.reasons import RejectionCode
from pipelines.ingestion.inspection import BOM, MAX_LINE_BYTES, Header, decode_line
from pipelines.ingestion.lines import bounded_lines
from pipelines.ingestion.mapping import Mapping

ROW_NUMBER: Final = "(row)"
"""Column of the copy that holds the number of the row in the file."""

MAX_RECORD_LINES: Final = 200
"""A quoted cell may hold line breaks; a quote that is never closed must not swallow the file."""

KEPT_CHARACTERS: Final = 10_000
_UNCLOSED = "unexpected end of data"


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read, and why."""

    row_number: int
    code: RejectionCode
    reason: str
    body: str


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    is_too_long: bool
    is_ended: bool


def clean_copy(
    path: Path, copy: Path, mapping: Mapping, header: Header, seen: Callable[[int], None]
) -> Iterator[BadRow]:
    """Write the good rows to `copy` and give out the bad ones; the copy is complete at the end of them."""
    width, delimiter = len(header.columns), mapping.delimiter
    number = 0
    lines = _Lines(path, mapping, header.line_number, seen)
    with copy.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
        writer.writerow([ROW_NUMBER, *_distinct(header.columns)])
        for line in lines:
            if not line.text:
                continue
            number += 1
            cells: list[str] | None = None
            if line.is_too_long:
                reason = f"the line is longer than {MAX_LINE_BYTES:,} bytes"
                yield BadRow(number, "too_large", reason, line.text[:KEPT_CHARACTERS])
                continue
            count = line.text.count(delimiter) + 1
            if '"' in line.text:
                try:
                    cells = _quoted(line, lines, delimiter)
                except csv.Error as error:
                    yield BadRow(
                        number, "undecodable", f"not a CSV row: {error}", line.text[:KEPT_CHARACTERS]
                    )
                    continue
                count = len(cells)
            if count != width:
                reason = f"the row has {count} cells where the header has {width}"
                if count < width and not line.is_ended:
                    reason = f"the file ends within this row ({count} of {width} cells): is it truncated?"
                yield BadRow(number, "undecodable", reason, line.text[:KEPT_CHARACTERS])
            elif "\x00" in line.text:
                body = line.text[:KEPT_CHARACTERS].replace("\x00", "\\x00")
                yield BadRow(number, "undecodable", "the row holds a zero byte", body)
            elif cells is None:
                out.write(f"{number}{delimiter}{line.text}\n")
            else:
                writer.writerow([number, *cells])


class _Lines:
    """The lines below the header, decoded; lines can be put back."""

    def __init__(self, path: Path, mapping: Mapping, header_line: int, seen: Callable[[int], None]) -> None:
        self._waiting: deque[_Line] = deque()
        self._source = self._read(path, mapping, header_line, seen)

    def __iter__(self) -> Iterator[_Line]:
        return self

    def __next__(self) -> _Line:
        return self._waiting.popleft() if self._waiting else next(self._source)

    def put_back(self, lines: list[_Line]) -> None:
        self._waiting.extendleft(reversed(lines))

    @staticmethod
    def _read(path: Path, mapping: Mapping, header_line: int, seen: Callable[[int], None]) -> Iterator[_Line]:
        with path.open("rb") as file:
            for number, raw in enumerate(bounded_lines(file, MAX_LINE_BYTES), start=1):
                if number <= header_line:
                    continue
                if number % 5_000 == 0:
                    seen(file.tell())
                is_ended = raw.endswith(b"\n")
                if is_too_long := len(raw) > MAX_LINE_BYTES:
                    # Cut at a byte: what is kept need not end with a whole character.
                    text = raw[:KEPT_CHARACTERS].decode(mapping.encoding, "backslashreplace")
                else:
                    text = decode_line(path, raw.removeprefix(BOM), mapping, number).rstrip("\r\n")
                yield _Line(text, is_too_long, is_ended)
            seen(file.tell())


def _quoted(line: _Line, lines: _Lines, delimiter: str) -> list[str]:
    """The cells of a record that begins with `line` and may go on over the next ones."""
    taken: list[_Line] = []
    text = line.text
    while True:
        try:
            return next(csv.reader(_split(text), delimiter=delimiter, strict=True))
        except csv.Error as error:
            if str(error) != _UNCLOSED:
                lines.put_back(taken)
                # Something stands between a closing quote and the next cell: read it as a spreadsheet would.
                return next(csv.reader([line.text], delimiter=delimiter))
        # An even number of quotes leaves an open cell open: no need to look before the next odd line.
        following = next(lines, None)
        while following is not None and '"' not in following.text and len(taken) < MAX_RECORD_LINES:
            taken.append(following)
            following = next(lines, None)
        if following is None or following.is_too_long or len(taken) >= MAX_RECORD_LINES:
            lines.put_back([*taken, *([following] if following else [])])
            raise csv.Error("a quote is opened and never closed")
        taken.append(following)
        text = "\n".join([line.text, *(part.text for part in taken)])


def _split(text: str) -> list[str]:
    return [f"{part}\n" for part in text.split("\n")]


def _distinct(columns: tuple[str, ...]) -> list[str]:
    """Names that polars accepts: a name that appears again gets its position."""
    return [
        name if name not in columns[:at] and name != ROW_NUMBER else f"{name} ({at + 1})"
        for at, name in enumerate(columns)
    ]
