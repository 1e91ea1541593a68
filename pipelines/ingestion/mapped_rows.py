"""Mapped rows: from one row of a file to the events that it holds, in the envelope. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from aurora import clock
from aurora.errors import UnknownTimeZoneError
from aurora.events.catalogue import event_type
from aurora.events.people import event_id_of
from pipelines.ingestion.local_times import placed
from pipelines.ingestion.mapping import END_OF_DAY, PLACEHOLDER, EventMapping, Lag, Mapping
from pipelines.ingestion.sources.records import PROBLEM
from pipelines.ingestion.values import (
    Cells,
    CellUnreadableError,
    field_value,
    holds,
    number_of,
    text_of,
    time_of,
)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An event of a row that cannot be read, and why."""

    event: str
    reason: str


@dataclass(frozen=True, slots=True)
class Whose:
    """The person whose row it is."""

    user_id: UUID
    tz: str


def events_of_row(
    cells: Cells, mapping: Mapping, whose: Whose, *, received_at: datetime
) -> Iterator[dict[str, Any] | Unreadable]:
    """Every event that the row holds, ready for acceptance. A row may hold none."""
    if mapping.is_export and PROBLEM in cells:
        yield Unreadable("record", str(cells[PROBLEM]))
        return
    for event in mapping.event_mappings:
        try:
            envelope = _envelope(cells, event, mapping, whose, received_at)
        except CellUnreadableError as error:
            yield Unreadable(event.name, f"{event.name}: {error}")
        else:
            if envelope is not None:
                yield envelope


def _envelope(
    cells: Cells, event: EventMapping, mapping: Mapping, whose: Whose, received_at: datetime
) -> dict[str, Any] | None:
    if not holds(cells, event.only_if, mapping):
        return None
    payload = _payload(cells, event, mapping)
    texts = [text for column in event.note if (text := text_of(cells, column, mapping))]
    note = "\n".join(texts) or None
    # Of an event that is nothing but a note: without one there is none.
    if payload is None or (event.note and not event.payload and note is None):
        return None
    tz = _zone(cells, mapping, whose.tz)
    started_at, ended_at, precision = _times(cells, event, mapping, tz)
    day = clock.local_date(started_at, tz)
    words = {
        "day": day.isoformat(),
        "started_at": started_at.astimezone(UTC).isoformat(),
        # What the clock on the wall showed: however the file writes it, and whatever zone it is read in.
        "local_started_at": clock.local_time(started_at, tz).isoformat(),
    }
    source = _source(cells, event, mapping)
    lag = mapping.arrival_lag if event.arrival_lag is None else event.arrival_lag
    recorded = mapping.row.recorded_at
    known_at = time_of(cells, recorded, tz, mapping) if recorded else None
    known_at = known_at or _known_at(ended_at or started_at, lag, tz, precision)
    envelope: dict[str, Any] = {
        "event_id": event_id_of(whose.user_id, mapping.source, _filled(event.key, cells, words, mapping)),
        "type": event.type,
        "started_at": started_at,
        "tz": tz,
        "source": source,
        "payload": payload,
        "precision": precision,
        # Nothing can have been known later than it arrived here.
        "recorded_at": min(known_at, received_at),
    }
    if ended_at is not None:
        envelope["ended_at"] = ended_at
    if event.form is not None:
        template = mapping.forms[event.form]
        envelope["form_id"] = f"{mapping.source}:{_filled(template, cells, words, mapping)}"
    if note is not None:
        envelope["note"] = note
    return envelope


def _source(cells: Cells, event: EventMapping, mapping: Mapping) -> dict[str, Any]:
    def said(column: str | None, otherwise: str | None) -> str | None:
        return (text_of(cells, column, mapping) if column else None) or otherwise

    row = mapping.row
    source: dict[str, Any] = {
        "name": said(row.source, mapping.source),
        "modality": said(row.modality, event.modality or mapping.modality),
    }
    if device := said(row.device, event.device):
        source["device"] = device
    return source


def _zone(cells: Cells, mapping: Mapping, tz: str) -> str:
    """The zone that the row names, or the person's. One that nobody knows is no zone."""
    named = text_of(cells, mapping.row.zone, mapping) if mapping.row.zone else None
    try:
        return tz if named is None else clock.zone(named).key
    except UnknownTimeZoneError:
        return tz


def _payload(cells: Cells, event: EventMapping, mapping: Mapping) -> dict[str, Any] | None:
    """The payload, or None when the row does not say what such an event needs: missing is not an error."""
    kinds, required = _fields_of(event.type)
    payload = {}
    for field, source in event.payload.items():
        value = field_value(cells, source, kinds[field], mapping)
        if value is not None:
            payload[field] = value
        elif field in required:
            return None
    is_said = any(event.payload[field].value is None for field in payload)
    return payload if is_said or not event.payload else None


def _times(
    cells: Cells, event: EventMapping, mapping: Mapping, tz: str
) -> tuple[datetime, datetime | None, str]:
    started_at = time_of(cells, event.started_at, tz, mapping) if event.started_at else None
    # An event that names both a time and a day has the one or the other, row by row.
    if event.started_at is None or (started_at is None and event.day is not None):
        day = time_of(cells, event.day or mapping.day, tz, mapping)  # type: ignore[arg-type]  # one is there
        if day is None:
            raise CellUnreadableError("the row has no date")
        return clock.day_start(day.date(), tz), None, "day"
    if started_at is None:
        raise CellUnreadableError(f"{' + '.join(event.started_at.named)} is empty")
    ended_at = time_of(cells, event.ended_at, tz, mapping) if event.ended_at else None
    elapsed_ms = number_of(cells, mapping.row.elapsed_ms, mapping) if mapping.row.elapsed_ms else None
    if elapsed_ms is not None:
        started_at, ended_at = placed(started_at, ended_at, timedelta(milliseconds=elapsed_ms))
    return started_at, ended_at, "instant"


def _known_at(happened_at: datetime, lag: Lag, tz: str, precision: str) -> datetime:
    if lag == END_OF_DAY:
        # Not start + 24 h: a day on which the clocks change is 23 or 25 hours long.
        return clock.day_end(clock.local_date(happened_at, tz), tz)
    later = lag if isinstance(lag, timedelta) else timedelta()
    # Of a day: 8 h is eight o'clock by the person's own clock, on every day of the year.
    return happened_at.astimezone(clock.zone(tz)) + later if precision == "day" else happened_at + later


def _filled(template: str, cells: Cells, words: dict[str, str], mapping: Mapping) -> str:
    def fill(name: str) -> str:
        text = words.get(name) or text_of(cells, name, mapping)
        if text is None:
            raise CellUnreadableError(f"{name} is empty, and the natural key {template!r} needs it")
        return text

    return PLACEHOLDER.sub(lambda match: fill(match[1]), template)


@lru_cache(maxsize=256)
def _fields_of(type_name: str) -> tuple[dict[str, str], frozenset[str]]:
    """JSON type of each payload field of an event type, and which are required."""
    schema = event_type(type_name).json_schema
    kinds = {}
    for name, field in schema.get("properties", {}).items():
        options = [field, *field.get("anyOf", ())]
        kinds[name] = next((kind for option in options if (kind := option.get("type"))), "number")
    return kinds, frozenset(schema.get("required", ()))
