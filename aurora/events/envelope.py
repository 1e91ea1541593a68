"""The event envelope: the one shape of an event on the API, in files and on its way to the log."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
)

from aurora.events.payloads import without_nul

Modality = Literal["sensed", "self_reported"]
Precision = Literal["instant", "day"]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(without_nul),
]

_DATE = re.compile(r"\s*\d{4}-\d\d-\d\d")


def _rfc3339(value: object) -> object:
    """Only text that begins with a date, or a datetime: a number could be seconds, milliseconds or days."""
    if isinstance(value, datetime) or (isinstance(value, str) and _DATE.match(value)):
        return value
    raise ValueError("a time is RFC 3339 text with an offset, e.g. 2026-03-29T07:30:00+02:00")


Instant = Annotated[AwareDatetime, BeforeValidator(_rfc3339)]


class Source(BaseModel):
    """Where an event comes from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name = Field(examples=["my-app"])
    record_id: Name | None = Field(None, examples=["night-4711"])
    device: Name | None = Field(None, examples=["ring"])
    modality: Modality = "self_reported"


class LifeEvent(BaseModel):
    """One event of a person's life, as a client sends it.

    `event_id` is chosen by the client and is the idempotency key: the same id, version and body again is a
    duplicate and changes nothing; a higher version corrects or (with `is_deleted`) deletes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    event_id: UUID
    version: Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)] = 1
    type: Name = Field(examples=["energy.rated"])
    schema_version: Annotated[int, Field(strict=True, ge=1, le=1000)] = 1
    started_at: Instant
    ended_at: Instant | None = None
    tz: Name | None = Field(None, description="IANA zone; the person's own zone when absent")
    source: Source
    payload: dict[str, Any] = Field(default_factory=dict)
    precision: Precision = "instant"
    form_id: Name | None = Field(None, description="One questionnaire that several events come from")
    note: Annotated[str, StringConstraints(max_length=20_000)] | None = Field(
        None, description="Free text; stored encrypted under the person's own key"
    )
    is_deleted: StrictBool = False
    recorded_at: Instant | None = Field(
        None, description="When the source recorded it. File imports take it as known_at; live events do not"
    )
