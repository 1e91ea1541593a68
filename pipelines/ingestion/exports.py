"""Exports: archives of one person's own data, read by a source and staged like the rows of any other file.

files of the export ─▶ source ─▶ rows ──────────────▶ raw.import_rows
                          └────▶ samples ─▶ rows ──▶─┘
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, cast

from pipelines.ingestion.errors import FileUnusableError
from pipelines.ingestion.mapping import Mapping
from pipelines.ingestion.reading import CHUNK_ROWS, Chunk, Seen
from pipelines.ingestion.records import BadRow
from pipelines.ingestion.sources import apple_health, google_takeout
from pipelines.ingestion.sources.apple_xml import DocumentRefusedError
from pipelines.ingestion.sources.archive import ExportFile, MemberUnreadableError, opened_export
from pipelines.ingestion.sources.records import NOT_READ, RECORDS, Bad, NotRead, Row
from pipelines.ingestion.sources.samples import Samples

_KEPT_CHARACTERS: Final = 2_000


class Source(Protocol):
    """What each module of `sources` can do."""

    def is_ours(self, file: ExportFile) -> bool: ...

    def read(self, file: ExportFile, samples: Samples, not_read: NotRead) -> Iterator[Row | Bad]: ...


SOURCES: Final[dict[str, Source]] = {
    "apple_health": cast("Source", apple_health),
    "google_takeout": cast("Source", google_takeout),
}
"""By the `format` of their mapping."""


@dataclass(frozen=True, slots=True)
class _Numbered:
    number: int
    found: Row | Bad


def format_of(path: Path, formats: Iterable[str] = tuple(SOURCES)) -> str | None:
    """Which of these formats the export at `path` has, by its content; None when it is none of them."""
    try:
        with opened_export(path) as export:
            for file in export.files:
                for name in formats:
                    if SOURCES[name].is_ours(file):
                        return name
    except MemberUnreadableError as error:
        raise FileUnusableError(path, str(error)) from error
    return None


def check_export(path: Path, mapping: Mapping) -> None:
    """FileUnusableError unless the source of the mapping knows a file of what lies at `path`."""
    if not path.exists():
        raise FileUnusableError(path, f"there is no file {path}")
    if format_of(path, [mapping.format]) is None:
        raise FileUnusableError(path, f"nothing in it is of the kind that the mapping {mapping.name!r} reads")


def read_export(path: Path, mapping: Mapping, seen: Seen = lambda _: None) -> Iterator[Chunk]:
    """The rows of an export in chunks, numbered as they come, with what cannot be read set aside."""
    chunk = Chunk()
    for number, found in enumerate(_found(path, SOURCES[mapping.format], seen), start=1):
        _take(chunk, number, found)
        if len(chunk) >= CHUNK_ROWS:
            yield chunk
            chunk = Chunk()
    yield chunk


def _found(path: Path, source: Source, seen: Callable[[int], None]) -> Iterator[Row | Bad]:
    not_read: NotRead = Counter()
    with opened_export(path, seen) as export, Samples() as samples:
        yield from export.refused
        for file in export.files:
            try:
                yield from source.read(file, samples, not_read)
            except DocumentRefusedError as error:
                yield Bad("undecodable", f"{file.name}: {error}", file.name)
            except MemberUnreadableError as error:
                yield Bad("undecodable", str(error), file.name)
        yield from samples.rows()
        yield from _counted(sorted(not_read.items()))


def _counted(not_read: Iterable[tuple[str, int]]) -> Iterator[Row]:
    """One row for each type that nothing reads: the count outlives this run as the other rows do."""
    for kind, count in not_read:
        yield {NOT_READ: kind[:200], RECORDS: count}


def _take(chunk: Chunk, number: int, found: Row | Bad) -> None:
    if isinstance(found, Bad):
        chunk.bad.append(BadRow(number, found.code, found.reason, _storable(found.body)))
        return
    text = json.dumps({name: cell for name, cell in found.items() if cell is not None}, ensure_ascii=False)
    if "\\u0000" in text or not _is_utf8(text):
        reason = "the record holds a zero character, or half of one"
        chunk.bad.append(BadRow(number, "undecodable", reason, _storable(text)))
    else:
        chunk.rows.append((number, text))


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _storable(text: str) -> str:
    return text[:_KEPT_CHARACTERS].replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()
