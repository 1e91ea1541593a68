"""Apple's `export.xml` as a stream of its elements: constant memory, and one broken record costs one record.

The document type is cut off before anything is parsed. Some versions of iOS write one that is no XML, and
without it there are no entities: nothing can be expanded, and nothing outside the file is ever looked at. Where
the XML is damaged the reader goes on at the next record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from aurora.events.acceptance import RejectionCode
from pipelines.ingestion.sources.records import Bad

MAX_RECORD_BYTES: Final = 1_000_000
MAX_DAMAGES: Final = 1_000
MAX_DEPTH: Final = 32
MAX_PROLOG_BYTES: Final = 1_000_000
CARRIED_BYTES: Final = 1 << 16
_AT_THE_CHARACTER: Final = frozenset({4, 9})
"""Codes of expat's errors that point at what does not belong there: a quote never closed that ran into the next
record, and a record behind the end of the document. Such a record is whole."""

ROOT: Final = re.compile(rb"<HealthData[\s>]")
_RECORD: Final = re.compile(
    rb"<(?:Record|Workout|Correlation|ActivitySummary|ClinicalRecord|StateOfMind|Audiogram|VisionPrescription)\s"
)
_LONGEST_TAG: Final = 24
_ENCODING: Final = re.compile(rb"""<\?xml[^>]*encoding=["']([^"']+)["']""")
# Names of devices with a bell or a vertical tab in them: not XML, and of no meaning.
_CONTROLS: Final = bytes(32 if code < 32 and code not in {9, 10, 13} else code for code in range(256))
_KEPT_METADATA: Final = frozenset({"HKTimeZone", "HKWasUserEntered", "HKStateOfMindValence", "HKValence"})


class DocumentRefusedError(Exception):
    """The document is not what Apple writes; nothing of it is read."""


@dataclass(slots=True)
class Element:
    """One record: its tag and attributes, the metadata that somebody reads, and a workout's statistics."""

    tag: str
    attributes: dict[str, str]
    metadata: dict[str, str] = field(default_factory=dict)
    statistics: dict[str, dict[str, str]] = field(default_factory=dict)


def elements(chunks: Iterable[bytes]) -> Iterator[Element | Bad]:
    """The records in order. DocumentRefusedError when this is no document of Apple's."""
    stream = iter(chunks)
    data, offset = _body(stream)
    reader, damages, behind = _Reader(), 0, b""
    while data:
        try:
            reader.feed(data)
        except (expat.ExpatError, _DamagedError) as error:
            yield from reader.taken()
            at = offset + reader.error_index
            yield Bad(_code_of(error), f"the XML is damaged at byte {at:,} ({error}); read on behind it")
            damages += 1
            if damages >= MAX_DAMAGES:
                yield Bad("undecodable", f"damaged in {MAX_DAMAGES:,} places: what follows is not read")
                return
            # The token that is damaged may have begun in an earlier piece.
            start = max(-len(behind), reader.resume_index)
            rest = _from_next_record((behind + data)[len(behind) + start :], stream)
            if rest is None:
                return
            data, skipped = rest
            offset, behind = offset + start + skipped, b""
            reader = _Reader(has_root=False)
            continue
        yield from reader.taken()
        offset += len(data)
        behind = (behind + data)[-CARRIED_BYTES:]
        data = next(stream, b"")
    if said := reader.close():
        yield from reader.taken()
        yield Bad(
            "undecodable", f"the file ends at byte {offset:,} within the XML ({said}): is it truncated?"
        )


def _body(stream: Iterator[bytes]) -> tuple[bytes, int]:
    """The document from its root element on, and where that stands."""
    head = b""
    for chunk in stream:
        head += chunk
        if found := ROOT.search(head):
            prolog = head[: found.start()]
            if b"<!ENTITY" in prolog:
                raise DocumentRefusedError("it declares XML entities, which Apple's export never does")
            named = _ENCODING.search(prolog)
            if named and named[1].lower() not in {b"utf-8", b"utf8", b"us-ascii"}:
                raise DocumentRefusedError(
                    f"it is written in {named[1].decode('ascii', 'replace')}, and Apple writes UTF-8"
                )
            return head[found.start() :], found.start()
        if len(head) > MAX_PROLOG_BYTES:
            break
    raise DocumentRefusedError("it holds no <HealthData>")


def _from_next_record(data: bytes, stream: Iterator[bytes]) -> tuple[bytes, int] | None:
    """What is left from the next beginning of a record on, and how many bytes lie before it."""
    skipped = 0
    while (found := _RECORD.search(data)) is None:
        following = next(stream, b"")
        if not following:
            return None
        skipped += max(0, len(data) - _LONGEST_TAG)
        data = data[-_LONGEST_TAG:] + following
    return data[found.start() :], skipped + found.start()


class _DamagedError(Exception):
    pass


def _code_of(error: Exception) -> RejectionCode:
    return "too_large" if isinstance(error, _TooLargeError) else "undecodable"


class _TooLargeError(_DamagedError):
    pass


class _Reader:
    """One expat parser and what it has found since it was last asked."""

    def __init__(self, *, has_root: bool = True) -> None:
        self._found: list[Element] = []
        self._current: Element | None = None
        self._depth = self._calls = self._fed = self._silent = self._before = 0
        self._parser = parser = expat.ParserCreate("UTF-8")
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.ExternalEntityRefHandler = lambda *_: 0
        if not has_root:
            parser.Parse(b"<HealthData>")
            self._fed = len(b"<HealthData>")
        self.error_index = self.resume_index = 0
        """Where in the last piece it broke, and from where a whole record may follow; below 0 in earlier ones."""

    def feed(self, data: bytes) -> None:
        self._before, calls = self._fed, self._calls
        self._fed += len(data)
        try:
            self._parser.Parse(data.translate(_CONTROLS))
        except (expat.ExpatError, _DamagedError) as error:
            self.error_index = self._parser.CurrentByteIndex - self._before
            is_whole = getattr(error, "code", None) in _AT_THE_CHARACTER
            self.resume_index = self.error_index + (0 if is_whole else 1)
            raise
        self._silent = self._silent + len(data) if self._calls == calls else 0
        if self._silent > MAX_RECORD_BYTES:
            self.error_index = self.resume_index = len(data)
            raise _TooLargeError(f"an element longer than {MAX_RECORD_BYTES:,} bytes")

    def taken(self) -> list[Element]:
        found, self._found = self._found, []
        return found

    def close(self) -> str | None:
        """What is wrong with the end of the document, if anything."""
        try:
            self._parser.Parse(b"", True)  # noqa: FBT003  # expat's own signature
        except expat.ExpatError as error:
            return str(error)
        return None

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._calls += 1
        self._depth += 1
        if self._depth == 2:
            self._current = Element(tag, attributes)
        elif self._depth == 3 and self._current is not None:
            if tag == "MetadataEntry" and (key := attributes.get("key")) in _KEPT_METADATA:
                self._current.metadata[str(key)] = attributes.get("value", "")
            elif tag == "WorkoutStatistics" and len(self._current.statistics) < MAX_DEPTH:
                self._current.statistics[attributes.get("type", "")] = attributes
        elif self._depth > MAX_DEPTH:
            raise _DamagedError(f"elements are nested more than {MAX_DEPTH} deep")

    def _end(self, _tag: str) -> None:
        self._calls += 1
        self._depth -= 1
        if self._depth == 1 and self._current is not None:
            self._found.append(self._current)
            self._current = None

    def _refuse(self, *_: object) -> None:
        raise _DamagedError("a document type inside the document")
