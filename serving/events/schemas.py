"""Shapes of events on the API: what comes back. What is sent is `aurora.events.envelope.LifeEvent`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from aurora.events.envelope import Source

Verdict = Literal["accepted", "duplicate", "superseded", "conflict", "rejected"]

EXAMPLE: Final = {
    "event_id": "01920f3e-7b1c-7c30-9a51-6f1c3a7d9e20",
    "type": "energy.rated",
    "started_at": "2026-03-29T16:30:00+02:00",
    "source": {"name": "my-app"},
    "payload": {"energy": 6.5},
}
EXAMPLE_SLEEP: Final = {
    "event_id": "01920f3e-7b1c-7c30-9a51-6f1c3a7d9e21",
    "type": "sleep.recorded",
    "started_at": "2026-03-28T23:10:00+01:00",
    "ended_at": "2026-03-29T07:40:00+02:00",
    "tz": "Europe/Oslo",
    "source": {"name": "my-app", "device": "ring", "modality": "sensed"},
    "payload": {"asleep_minutes": 424, "in_bed_minutes": 450},
}


class EventVerdict(BaseModel):
    """What became of one event.

    accepted: it is in the log. duplicate: it was there already. superseded: it is in the log, below a higher
    version. conflict: another body holds this id and version. rejected: `code` and `reason` say why; it is
    kept apart.
    """

    outcome: Verdict = Field(examples=["accepted"])
    event_id: UUID | None = Field(default=None, examples=[EXAMPLE["event_id"]])
    version: int | None = Field(default=None, examples=[1])
    local_date: date | None = Field(
        default=None, examples=["2026-03-29"], description="The person's day it belongs to"
    )
    code: str | None = Field(
        default=None, examples=[None], description="Of a rejection, e.g. invalid_payload"
    )
    reason: str | None = Field(default=None, examples=[None])


class ItemVerdict(EventVerdict):
    """What became of one event of a batch."""

    index: int = Field(examples=[0], description="Its place in the batch, from 0")


class BatchVerdict(BaseModel):
    """What became of a batch: how many had which outcome, and each of them."""

    counts: dict[Verdict, int] = Field(examples=[{"accepted": 2}])
    items: list[ItemVerdict]


class EventRead(BaseModel):
    """One event in its current version."""

    event_id: UUID
    version: int = Field(examples=[1])
    type: str = Field(examples=["energy.rated"])
    schema_version: int = Field(examples=[1])
    started_at: datetime = Field(examples=["2026-03-29T14:30:00Z"])
    ended_at: datetime | None = Field(examples=[None])
    tz: str = Field(examples=["Europe/Oslo"])
    local_date: date = Field(examples=["2026-03-29"])
    precision: str = Field(examples=["instant"])
    source: Source
    form_id: str | None = Field(examples=[None])
    payload: dict[str, Any] = Field(examples=[{"energy": 6.5}])
    note: str | None = Field(examples=[None])
    received_at: datetime
    known_at: datetime
