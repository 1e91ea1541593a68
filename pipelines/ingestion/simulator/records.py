"""Records: what of a life is recorded, as which event, and when it arrives.

A record is an event without the weight of its envelope; `envelope_of` gives it its JSON shape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple
from uuid import uuid5

import numpy as np

from pipelines.ingestion.simulator.gaps import MISHAPS, Bools, draw_arrivals
from pipelines.ingestion.simulator.lives import Calendar
from pipelines.ingestion.simulator.places import HOUR, Seconds
from pipelines.ingestion.simulator.specification import SIMULATED_LIVES

BAND = {"name": "simulator", "device": "band", "modality": "sensed"}
PHONE = {"name": "simulator", "device": "phone", "modality": "self_reported"}
TRACKER = {"name": "simulator", "device": "time_clock", "modality": "sensed"}
STATION = {"name": "simulator", "device": "station", "modality": "sensed"}

Payload = Mapping[str, Any]


class Record(NamedTuple):
    """One version of one event, with the instant at which it arrives."""

    event_id: str
    version: int
    type: str
    started_at: int
    ended_at: int | None
    tz: str
    offset: int
    """Seconds east of UTC at the start; `ended_offset` at the end, which a DST change can move."""
    ended_offset: int
    source: Mapping[str, str]
    payload: Payload
    arrives_at: int
    form_id: str | None = None
    is_deleted: bool = False


def envelope_of(record: Record) -> dict[str, Any]:
    """The event in the envelope of `aurora.events`, ready for JSON; `recorded_at` is when it arrives."""
    envelope: dict[str, Any] = {
        "event_id": record.event_id,
        "version": record.version,
        "type": record.type,
        "started_at": _rfc3339(record.started_at, record.offset),
        "tz": record.tz,
        "source": dict(record.source),
        "payload": dict(record.payload),
        "recorded_at": _rfc3339(record.arrives_at, 0),
    }
    if record.ended_at is not None:
        envelope["ended_at"] = _rfc3339(record.ended_at, record.ended_offset)
    if record.form_id is not None:
        envelope["form_id"] = record.form_id
    if record.is_deleted:
        envelope["is_deleted"] = True
    return envelope


def told_until(records: Sequence[Record], until: datetime) -> list[Record]:
    """The records that somebody at this instant has: over by then, and arrived."""
    at = until.timestamp()
    return [
        record for record in records if max(record.arrives_at, record.ended_at or record.started_at) <= at
    ]


def rating_id(form_id: str, kind: str) -> str:
    """The event id of a form's answer, by which truth and log meet."""
    return str(uuid5(SIMULATED_LIVES, f"{form_id}/{kind}"))


def _rfc3339(instant: int, offset: int) -> str:
    zone = timezone(timedelta(seconds=offset)) if offset else UTC
    return datetime.fromtimestamp(instant, zone).isoformat()


class Recorder:
    """Collects the records of one person: applies the gaps, draws the arrivals, names the events."""

    def __init__(
        self,
        calendar: Calendar,
        *,
        name: str,
        starts_at: int,
        ends_at: int,
        stops_at: int,
        not_worn: Bools,
        app_unused: Bools,
        stream: np.random.Generator,
    ) -> None:
        self.records: list[Record] = []
        self.name, self.ends_at = name, ends_at
        self._calendar, self._stream = calendar, stream
        self._starts_at, self._stops_at = starts_at, stops_at
        self._gaps = {"band": not_worn, "phone": app_unused}

    def is_open(self, starts: Seconds, ends: Seconds, source: Mapping[str, str]) -> Bools:
        """Whether things at these times fall into the window and into no gap of their source."""
        inside = (starts >= self._starts_at) & (ends < self._stops_at)
        missing = self._gaps.get(source["device"])
        return inside if missing is None else inside & ~missing[self._calendar.day_of(ends)]

    def record(
        self,
        kind: str,
        starts: Seconds,
        payloads: Sequence[Payload],
        *,
        source: Mapping[str, str],
        ends: Seconds | None = None,
        usual_minutes: float = 2.0,
        known: Seconds | None = None,
        provisional: Sequence[Payload] | None = None,
        series: str = "",
    ) -> None:
        """Record things of one kind. `provisional`: what a first version says where a correction follows;
        `series`: tells apart the ids of two calls for the same kind."""
        over = starts if ends is None else ends
        kept = self.is_open(starts, over, source)
        if source is PHONE:
            kept &= self._stream.random(len(starts)) >= MISHAPS.forgotten
        arrivals = draw_arrivals(over if known is None else known, usual_minutes, self._stream)
        corrected = self._stream.random(len(starts)) < MISHAPS.corrected
        second = arrivals + 600 + self._stream.exponential(6 * HOUR, len(starts)).astype(np.int64)
        days = self._calendar.day_of(over)
        zones = [self._calendar.zones[day] for day in days]
        for at in np.flatnonzero(kept & (arrivals <= self.ends_at)).tolist():
            zone, start, over_at = zones[at], int(starts[at]), int(over[at])
            record = Record(
                event_id=self.event_id(kind + series, int(at)),
                version=1,
                type=kind,
                started_at=start,
                ended_at=None if ends is None else over_at,
                tz=zone.tz,
                offset=zone.offset_of(start),
                ended_offset=zone.offset_of(over_at),
                source=source,
                payload=payloads[at],
                arrives_at=int(arrivals[at]),
            )
            if provisional is not None and corrected[at] and second[at] <= self.ends_at:
                self.records.append(record._replace(payload=provisional[at]))
                record = record._replace(version=2, arrives_at=int(second[at]))
            self.records.append(record)

    def record_form(
        self,
        at: int,
        arrives_at: int,
        form_id: str,
        answers: Sequence[tuple[str, Payload, Payload]],
        fixed_at: int | None,
    ) -> None:
        """Record the answers of one form: (type, payload, slip of the finger, corrected at `fixed_at`)."""
        zone = self._calendar.zones[int(self._calendar.day_of(np.array([at]))[0])]
        for second, (kind, payload, slip) in enumerate(answers):
            started_at = at + 4 * second
            offset = zone.offset_of(started_at)
            record = Record(
                event_id=rating_id(form_id, kind),
                version=1,
                type=kind,
                started_at=started_at,
                ended_at=None,
                tz=zone.tz,
                offset=offset,
                ended_offset=offset,
                source=PHONE,
                payload=payload,
                arrives_at=arrives_at,
                form_id=form_id,
            )
            if fixed_at is not None and slip:
                self.records.append(record._replace(payload=slip))
                record = record._replace(version=2, arrives_at=fixed_at)
            self.records.append(record)

    def event_id(self, kind: str, number: int) -> str:
        return str(uuid5(SIMULATED_LIVES, f"{self.name}/{kind}/{number}"))

    def finish(self) -> list[Record]:
        """Mishaps over all: mistaken entries that are deleted, and copies sent again. In order of arrival."""
        stream, count = self._stream, len(self.records)
        mistaken = np.flatnonzero(stream.random(count) < MISHAPS.deleted)
        again = np.flatnonzero(stream.random(count) < MISHAPS.sent_twice)
        waits = stream.exponential(2 * HOUR, (2, count)).astype(np.int64) + 60
        copies = [
            self.records[at]._replace(arrives_at=self.records[at].arrives_at + int(waits[0, at]))
            for at in again.tolist()
        ]
        for at in mistaken.tolist():
            entry = self.records[at]
            if entry.form_id is not None or entry.version > 1:
                continue
            gone_at = entry.arrives_at + int(waits[1, at])
            if gone_at <= self.ends_at:
                mistake = entry._replace(event_id=self.event_id("mistake", int(at)))
                copies += [
                    mistake,
                    mistake._replace(version=2, payload={}, arrives_at=gone_at, is_deleted=True),
                ]
        everything = self.records + [copy for copy in copies if copy.arrives_at <= self.ends_at]
        return sorted(everything, key=lambda record: record.arrives_at)
