"""Shapes of webhooks, their deliveries and attempts on the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from serving.webhooks.catalogue import EventTypeNames
from serving.webhooks.retrying import DisabledReason
from serving.webhooks.sending import Problem

_ID = "01934c1e-52a4-7d31-8f64-0f6a3f1f7c55"
_AT = "2026-11-25T09:30:12.401022Z"
_SHOWN = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"

UrlText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=r"^[^\x00]+$")
]
Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]+$")
]
DeliveryState = Literal["waiting", "delivered", "failed"]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WebhookCreation(_Body):
    """A new webhook."""

    url: UrlText = Field(
        examples=["https://example.org/hooks/aurora"],
        description="https, the name of a host on the public internet, port 443 or 8443",
    )
    event_types: EventTypeNames
    description: Words | None = Field(default=None, examples=["My kitchen display"])


class WebhookChange(_Body):
    """What to change; what is not named stays (JSON Merge Patch, RFC 7396)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"is_enabled": True}]})

    description: Words | None = Field(default=None, description="Null takes it away")
    # Of these null means nothing. A factory keeps the default, which nobody reads, out of the docs.
    url: UrlText = Field(default_factory=str)
    event_types: EventTypeNames = Field(default_factory=list)
    is_enabled: StrictBool = Field(
        default_factory=bool,
        description="True sends again what waits, and what happens from now on; not what happened in between",
    )


class WebhookRead(BaseModel):
    """A webhook, as its owner sees it. Its secret is shown once, when it is made."""

    webhook_id: UUID = Field(examples=[_ID])
    url: str = Field(examples=["https://example.org/hooks/aurora"])
    description: str | None = Field(examples=["My kitchen display"])
    event_types: list[str] = Field(examples=[["events.changed", "prediction.made"]])
    is_enabled: bool = Field(examples=[True])
    disabled_at: datetime | None = Field(examples=[None])
    disabled_reason: DisabledReason | None = Field(
        examples=[None],
        description="owner: you did. gone: the receiver answered 410. failing: nothing could be delivered for 5 days",
    )
    failing_since: datetime | None = Field(
        examples=[None], description="The first attempt that failed since the last one that did not"
    )
    created_at: datetime = Field(examples=[_AT])
    updated_at: datetime = Field(examples=[_AT], description="When you last changed it")


class WebhookCreated(WebhookRead):
    """The webhook that was made, with its secret: keep it, it is not shown again."""

    secret: str = Field(examples=[_SHOWN], description="What deliveries are signed with")


class SecretRotated(BaseModel):
    """The next secret: keep it, it is not shown again."""

    secret: str = Field(examples=[_SHOWN])
    earlier_valid_until: datetime = Field(
        examples=[_AT], description="Until then deliveries are signed with the earlier secret as well"
    )


class DeliveryRead(BaseModel):
    """One message to a webhook, and where it stands."""

    delivery_id: UUID = Field(
        examples=["0b5e8a1e-6f0c-4e0e-9c58-2c1d6d3f7a10"],
        description="The header `webhook-id`, the same at each attempt",
    )
    type: str = Field(examples=["events.changed"])
    position: int | None = Field(
        examples=[57], description="Among all that happened to you; null of a test and of an interruption"
    )
    state: DeliveryState = Field(examples=["delivered"])
    created_at: datetime = Field(examples=[_AT])
    attempts: int = Field(examples=[1])
    next_attempt_at: datetime | None = Field(examples=[None], description="Of what waits")
    delivered_at: datetime | None = Field(examples=[_AT])
    failed_at: datetime | None = Field(examples=[None])


class AttemptRead(BaseModel):
    """One attempt to deliver. Nothing of what the receiver said is kept but the status."""

    number: int = Field(examples=[1])
    attempted_at: datetime = Field(examples=[_AT])
    duration_ms: int = Field(examples=[84])
    status: int | None = Field(examples=[503], description="Of the answer, if there was one")
    problem: Problem | None = Field(examples=["status"], description="Null when it was delivered")
    sentence: str = Field(examples=["The answer was none of 200 to 299."])
