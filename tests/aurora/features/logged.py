"""Events as the log has them, for tiles."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from aurora import clock
from aurora.features.tiles import LoggedEvent


def logged(
    type_name: str,
    at: str,
    payload: dict[str, Any],
    *,
    minutes: float | None = None,
    tz: str = "UTC",
    event_id: UUID | None = None,
    precision: str = "instant",
    source: str = "test",
    modality: str = "self_reported",
) -> LoggedEvent:
    """An event that began at `at` (RFC 3339) and, with `minutes`, ended that much later."""
    started_at = datetime.fromisoformat(at).astimezone(clock.now().tzinfo)
    ended_at = None if minutes is None else started_at + timedelta(minutes=minutes)
    waking = ended_at if type_name == "sleep.recorded" and ended_at else started_at
    return LoggedEvent(
        event_id=event_id or uuid4(),
        type=type_name,
        started_at=started_at,
        ended_at=ended_at,
        local_date=clock.local_date(waking, tz),
        local_started_at=clock.local_time(started_at, tz),
        precision=precision,
        source_name=source,
        source_device=None,
        modality=modality,
        payload=payload,
    )
