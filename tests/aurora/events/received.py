"""Events as they come in: builders that read as English."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from aurora.events.acceptance import AcceptedEvent, Rejected, validate

NOW = datetime(2026, 3, 30, 12, tzinfo=UTC)
USER = UUID("7f000001-0000-4000-8000-000000000001")
HASH_KEY = b"h" * 32


def a_received_mood(**changes: Any) -> dict[str, Any]:
    """What a client sends; a change to None leaves the field out."""
    event = {
        "event_id": str(uuid4()),
        "type": "mood.rated",
        "started_at": "2026-03-30T09:00:00+02:00",
        "tz": "Europe/Oslo",
        "source": {"name": "test"},
        "payload": {"valence": 0.4},
    } | changes
    return {name: value for name, value in event.items() if value is not None}


def a_received_night(**changes: Any) -> dict[str, Any]:
    night = {
        "type": "sleep.recorded",
        "started_at": "2026-03-28T23:10:00+01:00",
        "ended_at": "2026-03-29T07:40:00+02:00",
        "payload": {"asleep_minutes": 430},
    }
    return a_received_mood(**night | changes)


def judge(
    event: dict[str, Any],
    *,
    user_id: UUID = USER,
    user_tz: str = "Europe/Oslo",
    received_at: datetime = NOW,
    hash_key: bytes = HASH_KEY,
    is_import: bool = False,
    arrival_lag: timedelta = timedelta(),
) -> AcceptedEvent | Rejected:
    return validate(
        event,
        user_id=user_id,
        user_tz=user_tz,
        received_at=received_at,
        hash_key=hash_key,
        is_import=is_import,
        arrival_lag=arrival_lag,
    )


def accepted(event: dict[str, Any], **options: Any) -> AcceptedEvent:
    verdict = judge(event, **options)
    assert isinstance(verdict, AcceptedEvent), verdict
    return verdict


def rejected(event: dict[str, Any], **options: Any) -> Rejected:
    verdict = judge(event, **options)
    assert isinstance(verdict, Rejected), verdict
    return verdict
