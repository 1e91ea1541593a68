"""The catalogue of what webhooks are sent: every type, what it says, and which notices become it.

To send something new, give the notice a subject (`aurora.notices.messages`) and add a line here. What people may
subscribe to, the OpenAPI document and the deliveries follow; nothing else lists the types.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from aurora.notices.messages import EventsNotice, InsightsNotice, PredictionNotice, ScoresNotice, Subject

_WEBHOOK_ID: Final = "01934c1e-52a4-7d31-8f64-0f6a3f1f7c55"


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


class TestedData(_Data):
    """Somebody asked for a test."""

    webhook_id: UUID = Field(examples=[_WEBHOOK_ID])


class InterruptedData(_Data):
    """Some of what happened could not be kept for this webhook: read the API."""

    webhook_id: UUID = Field(examples=[_WEBHOOK_ID])
    reason: Literal["too-old", "begun-anew"] = Field(
        examples=["too-old"],
        description="too-old: nobody was there to send for more than three days. begun-anew: the log of what people "
        "are told was lost, and positions begin at 1 again",
    )


@dataclass(frozen=True)
class WebhookType:
    """One type: `subject` is that of the notices that become it. Without one nobody subscribes to it: all get it."""

    name: str
    description: str
    data: type[BaseModel]
    subject: Subject | None = None


TESTED: Final = WebhookType("webhook.tested", "You asked for a test of this webhook.", TestedData)
INTERRUPTED: Final = WebhookType(
    "webhook.interrupted",
    "Some of what happened could not be sent and never will be: read the API, and go on from here.",
    InterruptedData,
)

WEBHOOK_TYPES: Final = {
    kind.name: kind
    for kind in (
        WebhookType(
            "events.changed",
            "Events are new, corrected or deleted, and with them days have changed: read them from the API.",
            EventsNotice,
            "events",
        ),
        WebhookType(
            "prediction.made",
            "What a model expects of the person now. One message a model.",
            PredictionNotice,
            "predictions",
        ),
        WebhookType("scores.changed", "Today's scores, as far as the day has gone.", ScoresNotice, "scores"),
        WebhookType(
            "insights.made", "There are new insights: read them from the API.", InsightsNotice, "insights"
        ),
        TESTED,
        INTERRUPTED,
    )
}

TYPE_OF_SUBJECT: Final = {kind.subject: kind for kind in WEBHOOK_TYPES.values() if kind.subject is not None}
SUBSCRIBED: Final = tuple(kind.name for kind in TYPE_OF_SUBJECT.values())
"""What people subscribe to."""


def _subscribed(names: Iterable[str]) -> list[str]:
    """The same once each, in the order of the catalogue."""
    wanted = set(names)
    if unknown := wanted - set(SUBSCRIBED):
        raise ValueError(f"{len(unknown)} of these types cannot be subscribed to: {', '.join(SUBSCRIBED)}")
    return [name for name in SUBSCRIBED if name in wanted]


EventTypeNames = Annotated[
    list[str],
    Field(
        min_length=1,
        max_length=50,
        examples=[["events.changed", "prediction.made"]],
        json_schema_extra={"items": {"type": "string", "enum": list(SUBSCRIBED)}},
        description="What to be sent",
    ),
    AfterValidator(_subscribed),
]


def message(kind: WebhookType, at: datetime, position: int | None, data: str) -> str:
    """The body of a delivery, around data that is JSON already."""
    head = orjson.dumps({"type": kind.name, "timestamp": at, "position": position}).decode()
    return f'{head[:-1]},"data":{data}}}'
