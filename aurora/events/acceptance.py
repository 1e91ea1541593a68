"""Acceptance: from what was received to an event that may enter the log, or to a reason why it may not.

Everything that depends on a time zone is computed here, once, and stored with the event. Expected outcomes
are values; nothing here raises for bad input.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ValidationError

from aurora import clock
from aurora.errors import UnknownEventTypeError, UnknownTimeZoneError
from aurora.events.canonical import canonical
from aurora.events.catalogue import EventType, event_type
from aurora.events.envelope import LifeEvent
from aurora.events.reasons import RejectionCode
from aurora.flaws import told_location

CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead of the server's clock a device's clock may run."""

PLANNED_AHEAD = timedelta(days=732)
"""How far ahead an appointment may lie: each month of events is a partition of the log."""

MAX_DURATION = timedelta(days=7)
EARLIEST_YEAR = 1970
"""Before this an event is a device's unset clock, not a memory."""

_MAY_LIE_AHEAD = frozenset({"calendar.scheduled"})


# Not frozen: setting 26 fields past a frozen class's own guard takes as long as checking the whole envelope.
@dataclass(slots=True)
class AcceptedEvent:
    """An event with all that is derived at acceptance. The fields are the columns of `raw.events`."""

    user_id: UUID
    event_id: UUID
    version: int
    type: str
    schema_version: int
    started_at: datetime
    ended_at: datetime | None
    tz: str
    local_date: date
    local_started_at: datetime
    local_ended_at: datetime | None
    day_started_at: datetime
    day_ended_at: datetime
    precision: str
    source_name: str
    source_record_id: str | None
    source_device: str | None
    modality: str
    form_id: str | None
    payload: dict[str, Any]
    note: str | None
    is_deleted: bool
    body_hash: bytes
    received_at: datetime
    known_at: datetime
    available_at: datetime


@dataclass(frozen=True, slots=True)
class Rejected:
    """What cannot be accepted, kept whole, with a code for machines and a reason for people."""

    code: RejectionCode
    reason: str
    body: str


def validate(
    received: Mapping[str, Any],
    *,
    user_id: UUID,
    user_tz: str,
    received_at: datetime,
    hash_key: bytes,
    is_import: bool = False,
    arrival_lag: timedelta = timedelta(),
) -> AcceptedEvent | Rejected:
    """Judge one received event.

    A live event is known from `received_at` on. An imported one (`is_import`) is known from the source's own
    record time, else from its end (or start) plus `arrival_lag`; at the latest from `received_at` on. The
    `hash_key` keys the digest of free text, so that the body hash of an erased note cannot be guessed back.
    """
    try:
        event = LifeEvent.model_validate(received)
        kind = event_type(event.type)
        payload = {} if event.is_deleted else _canonical_payload(kind, event.payload)
        tz = event.tz or user_tz
        clock.zone(tz)
    except UnknownEventTypeError as error:
        return _rejected("unknown_type", str(error), received)
    except UnknownTimeZoneError as error:
        return _rejected("unknown_time_zone", str(error), received)
    except _InvalidPayloadError as error:
        return _rejected("invalid_payload", str(error), received)
    except ValidationError as error:
        return _rejected(_code_of(error), _in_words(error, LifeEvent, "event"), received)

    known_at = received_at
    if is_import:
        known_at = event.recorded_at or (event.ended_at or event.started_at) + arrival_lag
        # A record time ahead of now is a lag that has not passed yet, or a wrong clock: it is known now.
        known_at = min(known_at, received_at)
    problem = _implausible_times(event, kind, received_at)
    if known_at.year < EARLIEST_YEAR:
        problem = problem or ("invalid_envelope", f"recorded_at lies before {EARLIEST_YEAR}")
    if problem is not None:
        return _rejected(*problem, received)
    return _accepted(event, kind, payload, user_id, tz, received_at, known_at, hash_key)


def undecodable(raw: bytes, reason: str, *, limit: int = 10_000) -> Rejected:
    """A rejection of bytes that are not even an object; the first `limit` bytes are kept."""
    return Rejected("undecodable", reason, raw[:limit].decode("utf-8", "backslashreplace"))


class _InvalidPayloadError(Exception):
    pass


def _canonical_payload(kind: EventType, payload: Mapping[str, Any]) -> dict[str, Any]:
    try:
        typed = kind.payload.model_validate(payload)
    except ValidationError as error:
        raise _InvalidPayloadError(_in_words(error, kind.payload, "payload")) from error
    return typed.model_dump(mode="json", exclude_unset=True, exclude_none=True)


def _implausible_times(
    event: LifeEvent, kind: EventType, received_at: datetime
) -> tuple[RejectionCode, str] | None:
    latest = event.ended_at or event.started_at
    if event.started_at.year < EARLIEST_YEAR:
        return "invalid_envelope", f"started_at lies before {EARLIEST_YEAR}: is the device's clock set?"
    if event.ended_at is not None and event.ended_at < event.started_at:
        return "ended_before_started", f"ended_at {event.ended_at} is before started_at {event.started_at}"
    if latest - event.started_at > MAX_DURATION:
        return "invalid_envelope", f"lasts longer than {MAX_DURATION.days} days"
    if latest > received_at + (PLANNED_AHEAD if kind.name in _MAY_LIE_AHEAD else CLOCK_SKEW):
        return "future_event", f"{latest.isoformat()} is later than now ({received_at.isoformat()})"
    return None


def _accepted(
    event: LifeEvent,
    kind: EventType,
    payload: dict[str, Any],
    user_id: UUID,
    tz: str,
    received_at: datetime,
    known_at: datetime,
    hash_key: bytes,
) -> AcceptedEvent:
    started_at = event.started_at.astimezone(UTC)
    ended_at = event.ended_at.astimezone(UTC) if event.ended_at else None
    local_started_at = clock.local_time(started_at, tz)
    local_ended_at = clock.local_time(ended_at, tz) if ended_at else None
    day = (local_ended_at if kind.ends_on_its_day and local_ended_at else local_started_at).date()
    day_started_at, day_ended_at = _borders(day, tz)
    known_at = known_at.astimezone(UTC)
    source = event.source
    return AcceptedEvent(
        user_id=user_id,
        event_id=event.event_id,
        version=event.version,
        type=event.type,
        schema_version=event.schema_version,
        started_at=started_at,
        ended_at=ended_at,
        tz=tz,
        local_date=day,
        local_started_at=local_started_at,
        local_ended_at=local_ended_at,
        day_started_at=day_started_at,
        day_ended_at=day_ended_at,
        precision=event.precision,
        source_name=source.name,
        source_record_id=source.record_id,
        source_device=source.device,
        modality=source.modality,
        form_id=event.form_id,
        payload=payload,
        note=event.note,
        is_deleted=event.is_deleted,
        body_hash=_body_hash(event, started_at, ended_at, payload, tz, hash_key),
        received_at=received_at,
        known_at=known_at,
        available_at=max(known_at, ended_at or started_at),
    )


@lru_cache(maxsize=4096)
def _borders(day: date, tz: str) -> tuple[datetime, datetime]:
    return clock.day_start(day, tz), clock.day_end(day, tz)


def _body_hash(
    event: LifeEvent,
    started_at: datetime,
    ended_at: datetime | None,
    payload: Mapping[str, Any],
    tz: str,
    hash_key: bytes,
) -> bytes:
    note = hmac.new(hash_key, event.note.encode(), hashlib.sha256).hexdigest() if event.note else None
    source = event.source
    body = [
        event.type,
        event.schema_version,
        started_at.isoformat(),
        ended_at and ended_at.isoformat(),
        tz,
        {
            "name": source.name,
            "record_id": source.record_id,
            "device": source.device,
            "modality": source.modality,
        },
        payload,
        event.precision,
        event.form_id,
        note,
        event.is_deleted,
    ]
    return hashlib.sha256(canonical(body)).digest()


def _code_of(error: ValidationError) -> RejectionCode:
    return (
        "naive_timestamp"
        if any(e["type"] == "timezone_aware" for e in error.errors())
        else "invalid_envelope"
    )


def _in_words(error: ValidationError, of: type[BaseModel], name: str) -> str:
    """The problems without the input: a payload must never reach a log or an error page."""
    return "; ".join(
        f"{told_location(problem['loc'], of) or name}: {problem['msg']}"
        for problem in error.errors(include_input=False, include_url=False)
    )


def _rejected(code: RejectionCode, reason: str, received: Mapping[str, Any]) -> Rejected:
    body = json.dumps(received, default=str, ensure_ascii=False)
    return Rejected(code, _storable(reason), _storable(body))


def _storable(text: str) -> str:
    """The text with what Postgres cannot hold written out: a NUL character, half of a surrogate pair.

    Inside JSON that is the character's own escape, so that the body can still be read back.
    """
    return text.replace("\x00", "\\u0000").encode("utf-8", "backslashreplace").decode()
