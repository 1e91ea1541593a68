"""Messages of the topics: what the relay sends and what an agent reads out of the raw bytes.

A message carries ids only. It says "look at this day of this person"; the log in Postgres is the truth.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

KEPT_OF_A_BODY: Final = 2000
"""Characters of a message that nobody can read which are kept with its dead letter."""


@dataclass(frozen=True, slots=True)
class Touch:
    """A local day of a person that has changed; which event changed it, when one message names one."""

    user_id: UUID
    local_date: date
    outbox_id: int | None = None
    position: int | None = None
    received_at: datetime | None = None
    event_id: UUID | None = None
    version: int | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that is no touch, with what can be kept of it."""

    reason: str
    body: str
    outbox_id: int | None = None


def to_message(body: Mapping[str, Any], *, outbox_id: int, position: int) -> bytes:
    """The outbox row as it goes to the broker."""
    return json.dumps({**body, "outbox_id": outbox_id, "position": position}, separators=(",", ":")).encode()


def read_message(raw: object) -> Touch | Unreadable:
    """The touch that a message announces. Nothing here raises for bad input."""
    text = raw.decode(errors="replace") if isinstance(raw, bytes) else repr(raw)
    kept = text[:KEPT_OF_A_BODY].replace("\x00", "")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Unreadable(f"it is not JSON: {error}"[:300], kept)
    if not isinstance(body, dict):
        return Unreadable("it is not a JSON object", kept)
    outbox_id = body.get("outbox_id") if type(body.get("outbox_id")) is int else None
    try:
        return _touch(body, outbox_id)
    except KeyError as error:
        return Unreadable(f"it has no {error.args[0]}", kept, outbox_id)
    except (ValueError, TypeError, AttributeError) as error:
        return Unreadable(f"a field has no sensible value: {error}"[:300], kept, outbox_id)


def _touch(body: Mapping[str, Any], outbox_id: int | None) -> Touch:
    received_at = body.get("received_at")
    instant = None if received_at is None else datetime.fromisoformat(received_at)
    return Touch(
        user_id=UUID(body["user_id"]),
        local_date=date.fromisoformat(body["local_date"]),
        outbox_id=outbox_id,
        position=None if body.get("position") is None else int(body["position"]),
        received_at=instant.replace(tzinfo=instant.tzinfo or UTC) if instant else None,
        event_id=None if body.get("event_id") is None else UUID(body["event_id"]),
        version=None if body.get("version") is None else int(body["version"]),
        type=None if body.get("type") is None else str(body["type"]),
    )
