"""Inspection: is this file what the mapping reads? Content decides; the name only words the answer.

Nothing here holds more than a line of bounded length in memory, whatever the file.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from pipelines.ingestion.errors import ColumnMissingError, FileUnusableError
from pipelines.ingestion.lines import bounded_lines
from pipelines.ingestion.mapping import Mapping

MAX_LINE_BYTES: Final = 1_000_000
"""A longer line is no row of anybody's life."""

# What a file is that begins like this, and what to do about it.
_KINDS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"PAR1", "a Parquet file"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook: unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save the sheet as CSV"),
    (b"\x1f\x8b", "a gzip archive: unpack it first"),
    (b"BZh", "a bzip2 archive: unpack it first"),
    (b"\xfd7zXZ", "an xz archive: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive: unpack it first"),
    (b"SQLite format 3", "an SQLite database"),
    (b"ARROW1", "an Arrow file: save it as Parquet"),
    (b"\xff\xfe", "UTF-16 text: save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text: save it as UTF-8"),
    (b"\x7fELF", "a program"),
)
_WEB_PAGE: Final = "a web page: was the download an error or a login page?"
_MARKUP: Final = ((b"<!doctype html", _WEB_PAGE), (b"<html", _WEB_PAGE), (b"<head", _WEB_PAGE), (b"<", "XML"))
BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Header:
    """The line with the column names."""

    columns: tuple[str, ...]
    line_number: int
    """Counted from 1; lines above it are titles."""


def sha256_of(path: Path) -> str:
    """Digest of the file's bytes; of a folder, of the names and bytes of all its files."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file() and not file.is_symlink())
        listed = "".join(f"{file.relative_to(path).as_posix()}\0{sha256_of(file)}\0" for file in files)
        return hashlib.sha256(listed.encode("utf-8", "surrogateescape")).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def size_of(path: Path) -> int:
    """Bytes of the file, or of all files of the folder."""
    if not path.is_dir():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file() and not file.is_symlink())


def check_kind(path: Path, mapping: Mapping) -> None:
    """FileUnusableError unless the beginning of the file looks like the mapping's format."""
    if not path.exists():
        raise FileUnusableError(path, f"there is no file {path}")
    if not path.is_file():
        raise FileUnusableError(path, "this is not a file")
    with path.open("rb") as file:
        start = file.read(4096)
    if not start.removeprefix(BOM).strip():
        raise FileUnusableError(path, "the file holds only white space" if start else "the file is empty")
    other = _other_kind(start) or (_not_parquet if mapping.format == "parquet" else _not_text)(start, mapping)
    if other is not None and not (mapping.format == "parquet" and start.startswith(b"PAR1")):
        wanted = "NDJSON (one JSON object a line)" if mapping.format == "ndjson" else mapping.format.upper()
        raise FileUnusableError(path, f"not {wanted} but {other}")


def _other_kind(start: bytes) -> str | None:
    return next((kind for magic, kind in _KINDS if start.startswith(magic)), None)


def _not_parquet(start: bytes, mapping: Mapping) -> str | None:
    del mapping
    return None if start.startswith(b"PAR1") else f"something that begins with {_shown(start)}"


def _not_text(start: bytes, mapping: Mapping) -> str | None:
    """What a text file is, when it is not the text that the mapping reads."""
    text = start.removeprefix(BOM).lstrip()
    lowered = text[:200].lower()
    if b"\x00" in text.split(b"\n", 1)[0]:
        return "something with zero bytes, as binary files and UTF-16 have"
    if markup := next((kind for tag, kind in _MARKUP if lowered.startswith(tag)), None):
        return markup
    if mapping.format == "ndjson" and not text.startswith(b"{"):
        if text.startswith(b"["):
            return "a JSON array: write one object a line"
        return f"something that begins with {_shown(text)}"
    if mapping.format != "ndjson" and text.startswith((b'{"', b"[{")):
        return "JSON: for events in the envelope use `--mapping events`"
    return None


def read_header(path: Path, mapping: Mapping) -> Header:
    """The first line that holds the mapping's columns; at most `title_lines` may stand above it."""
    wanted = set(mapping.columns)
    lines: list[str] = []
    for line in _first_lines(path, mapping, count=mapping.title_lines + 5):
        lines.append(line)
        columns = _cells(line, mapping.delimiter)
        if wanted <= set(columns):
            break
    else:
        raise _why_not_found(path, mapping, lines)
    number = len(lines)
    if number - 1 > mapping.title_lines:
        raise FileUnusableError(
            path,
            f"the column names stand in line {number}, below a title ({_shown(lines[0].encode())}): "
            f"delete the lines above them, or set `title_lines: {number - 1}` in the mapping",
        )
    twice = sorted({name for name in columns if columns.count(name) > 1} & wanted)
    if twice:
        raise FileUnusableError(path, f"the column {twice[0]!r} appears twice: which one is meant?")
    return Header(tuple(columns), number)


def check_columns(path: Path, mapping: Mapping, columns: Sequence[str]) -> None:
    """ColumnMissingError unless every column that the mapping reads is there."""
    missing = [name for name in mapping.columns if name not in columns]
    if missing:
        raise ColumnMissingError(path, mapping.name, missing, columns)


def _first_lines(path: Path, mapping: Mapping, count: int) -> Iterator[str]:
    with path.open("rb") as file:
        for number, raw in enumerate(islice(bounded_lines(file, MAX_LINE_BYTES), count), start=1):
            if len(raw) > MAX_LINE_BYTES:
                raise FileUnusableError(
                    path,
                    f"line {number}, where column names should be, is longer than {MAX_LINE_BYTES:,} bytes",
                )
            line = decode_line(path, raw.removeprefix(BOM) if number == 1 else raw, mapping, number)
            if "\r" in line.rstrip("\r\n"):
                raise FileUnusableError(
                    path, "its lines end with a bare carriage return: save it with Unix or Windows lines"
                )
            yield line.rstrip("\r\n")


def decode_line(path: Path, raw: bytes, mapping: Mapping, line_number: int) -> str:
    """The text of a line; FileUnusableError when the encoding is not the one that the mapping states."""
    try:
        return raw.decode(mapping.encoding)
    except UnicodeDecodeError as error:
        byte = raw[error.start]
        advice = (
            "save the file as UTF-8, or set `encoding: windows-1252` in the mapping"
            if mapping.encoding == "utf-8"
            else "set the `encoding` that the file was written with in the mapping"
        )
        raise FileUnusableError(
            path, f"byte 0x{byte:02X} in line {line_number} is not {mapping.encoding}: {advice}"
        ) from error


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return []


def _why_not_found(path: Path, mapping: Mapping, lines: Sequence[str]) -> FileUnusableError:
    wanted = set(mapping.columns)
    for delimiter, name in ((";", "semicolons"), ("\t", "tabs"), (",", "commas"), ("|", "bars")):
        if delimiter != mapping.delimiter and any(wanted <= set(_cells(line, delimiter)) for line in lines):
            return FileUnusableError(
                path, f"its columns are separated by {name}: set `separator: {delimiter!r}` in the mapping"
            )
    # The line that looks most like the header: a title above it has none of the names.
    columns = max(
        (_cells(line, mapping.delimiter) for line in lines),
        key=lambda cells: len(wanted & set(cells)),
        default=[],
    )
    missing = [name for name in mapping.columns if name not in columns]
    return ColumnMissingError(path, mapping.name, missing, columns)


def _shown(start: bytes, length: int = 30) -> str:
    text = start[:length].decode("utf-8", "backslashreplace").splitlines()
    return repr(text[0] if text else "") + ("…" if len(start) > length else "")
