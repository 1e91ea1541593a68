"""Shapes of a person's own dead letters."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from aurora.events.dead_letters import DeadLetter
from aurora.events.reasons import REASONS
from aurora.events.replays import opened_body

State = Literal["waiting", "replayed", "discarded"]


class RejectedEventRead(BaseModel):
    """What was received and not accepted, and why."""

    rejection_id: int = Field(examples=[4711])
    state: State = Field(examples=["waiting"])
    reason_code: str = Field(examples=["unknown_type"])
    reason: str = Field(examples=["event type 'mood.guessed' is not in the catalogue"])
    means: str = Field(examples=["The event's type is not in the catalogue."])
    remedy: str = Field(examples=["Add the type to the catalogue, then replay."])
    source: str = Field(examples=["api"], description="The way in: `api`, or an import's source")
    received_at: datetime = Field(examples=["2026-03-29T16:31:02Z"])
    body: dict[str, Any] | None = Field(
        default=None,
        description="The event as it was received, its note readable again. Null when it is no JSON object",
        examples=[{"type": "mood.guessed", "payload": {}}],
    )

    @classmethod
    def of(cls, letter: DeadLetter, person_key: bytes) -> RejectedEventRead:
        reason = REASONS.get(letter.reason_code)
        return cls(
            rejection_id=letter.rejection_id,
            state="replayed" if letter.replayed_at else "discarded" if letter.discarded_at else "waiting",
            reason_code=letter.reason_code,
            reason=letter.reason,
            means=reason.sentence if reason else "",
            remedy=reason.remedy if reason else "",
            source=letter.source,
            received_at=letter.received_at,
            body=opened_body(letter, person_key),
        )


class ReplayVerdict(BaseModel):
    """What became of a replay.

    accepted, duplicate and superseded: the letter is settled. conflict, rejected and left: it waits on, and
    `reason` says why. settled: it had been replayed or discarded before; nothing was done.
    """

    outcome: Literal["accepted", "duplicate", "superseded", "conflict", "rejected", "left", "settled"] = (
        Field(examples=["accepted"])
    )
    event_id: UUID | None = Field(default=None, examples=["01920f3e-7b1c-7c30-9a51-6f1c3a7d9e20"])
    version: int | None = Field(default=None, examples=[1])
    local_date: date | None = Field(default=None, examples=["2026-03-29"])
    code: str | None = Field(default=None, examples=[None])
    reason: str | None = Field(default=None, examples=[None])
