"""The messages of the WebSocket, both ways. The AsyncAPI document and the types of the clients follow from these.

What a notice says is the kernel's (`aurora.notices.messages`); here is what the socket adds to it, and what it
says of itself.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from aurora.notices.log import Written
from aurora.notices.messages import (
    AnnouncementNotice,
    EventsNotice,
    InsightsNotice,
    PredictionNotice,
    ScoresNotice,
)

_CURSOR: Final = "5f1c9a3e.57-0b7d2c44.3"
_USER: Final = "user:0b5e8a1e-6f0c-4e0e-9c58-2c1d6d3f7a10"

ResyncReason = Literal["cursor-unknown", "cursor-too-old"]
ErrorCode = Literal["message-unreadable", "action-unknown", "topic-forbidden", "frames-are-text"]


class _Frame(BaseModel):
    model_config = ConfigDict(
        extra="forbid", populate_by_name=True, json_schema_serialization_defaults_required=True
    )


class _Placed(_Frame):
    cursor: str = Field(
        description="Give it back when you connect again: you hear what came after it", examples=[_CURSOR]
    )


class _Told(_Placed):
    type: Literal["message"] = "message"
    at: AwareDatetime = Field(
        description="When it was written down", examples=["2026-11-25T09:30:12.401022Z"]
    )


class EventsMessage(EventsNotice, _Told):
    """Local days of yours have changed: read them from the API."""

    topic: str = Field(examples=[f"{_USER}:events"])


class PredictionMessage(PredictionNotice, _Told):
    """What a model expects of you now. One message a model."""

    topic: str = Field(examples=[f"{_USER}:predictions"])


class ScoresMessage(ScoresNotice, _Told):
    """Today's scores, as far as the day has gone."""

    topic: str = Field(examples=[f"{_USER}:scores"])


class InsightsMessage(InsightsNotice, _Told):
    """There are new insights: read them from the API."""

    topic: str = Field(examples=[f"{_USER}:insights"])


class AnnouncementMessage(AnnouncementNotice, _Told):
    """What the operator tells everybody."""

    topic: Literal["system:announcements"] = "system:announcements"


class Welcome(_Placed):
    """The first message of each connection."""

    type: Literal["welcome"] = "welcome"
    topics: list[str] = Field(
        description="What you hear", examples=[[f"{_USER}:events", "system:announcements"]]
    )
    heartbeat_seconds: float = Field(
        description="When nothing comes for twice as long, connect again", examples=[30.0]
    )


class Resync(_Placed):
    """Your cursor leads nowhere, so some messages are lost to you: read the API, then go on from here."""

    type: Literal["resync"] = "resync"
    reason: ResyncReason = Field(examples=["cursor-too-old"])
    detail: str = Field(examples=["what came after this cursor is not kept any more: read the API"])


class Heartbeat(_Placed):
    """Nothing has happened, and you would have heard of it."""

    type: Literal["heartbeat"] = "heartbeat"


class Subscribed(_Placed):
    """What you hear from now on, in answer to subscribe and unsubscribe."""

    type: Literal["subscribed"] = "subscribed"
    topics: list[str] = Field(examples=[[f"{_USER}:events"]])


class Pong(_Frame):
    """In answer to ping."""

    type: Literal["pong"] = "pong"


class Refused(_Frame):
    """You sent something that makes no sense, or asked for a topic that is not yours. Nothing was changed."""

    type: Literal["error"] = "error"
    code: ErrorCode = Field(examples=["topic-forbidden"])
    detail: str = Field(examples=["at least one of these topics is not yours; nothing was changed"])


class Subscribe(_Frame):
    """Hear these topics as well, from now on."""

    action: Literal["subscribe"] = "subscribe"
    topics: list[str] = Field(examples=[["scores", f"{_USER}:events"]], max_length=100)


class Unsubscribe(_Frame):
    """Do not hear these topics any more."""

    action: Literal["unsubscribe"] = "unsubscribe"
    topics: list[str] = Field(examples=[["scores"]], max_length=100)


class Ping(_Frame):
    """Are you there?"""

    action: Literal["ping"] = "ping"


TOLD: Final = (EventsMessage, PredictionMessage, ScoresMessage, InsightsMessage, AnnouncementMessage)
SENT: Final[tuple[type[BaseModel], ...]] = (*TOLD, Welcome, Resync, Heartbeat, Subscribed, Pong, Refused)
"""What the server sends."""
RECEIVED: Final[tuple[type[BaseModel], ...]] = (Subscribe, Unsubscribe, Ping)
"""What clients may send."""

_ACTION: Final[TypeAdapter[Any]] = TypeAdapter(
    Annotated[Subscribe | Unsubscribe | Ping, Field(discriminator="action")]
)

_DETAILS: Final[dict[ErrorCode, str]] = {
    "message-unreadable": 'send {"action": "subscribe", "topics": ["…"]}',
    "action-unknown": "actions are subscribe, unsubscribe and ping",
    "topic-forbidden": "at least one of these topics is not yours; nothing was changed",
    "frames-are-text": "send JSON as text",
}
_RESYNC_DETAILS: Final[dict[ResyncReason, str]] = {
    "cursor-unknown": "this cursor was not given out here: read the API",
    "cursor-too-old": "what came after this cursor is not kept any more: read the API",
}


def read_action(text: str) -> Subscribe | Unsubscribe | Ping | ErrorCode:
    """What a client wants, or what is wrong with it."""
    try:
        return _ACTION.validate_python(json.loads(text))
    except ValidationError as error:
        kinds = {flaw["type"] for flaw in error.errors(include_input=False, include_url=False)}
        return "action-unknown" if "union_tag_invalid" in kinds else "message-unreadable"
    except (ValueError, RecursionError):
        return "message-unreadable"


def refused(code: ErrorCode) -> str:
    """An error, told over the socket."""
    return Refused(code=code, detail=_DETAILS[code]).model_dump_json()


def resync(reason: ResyncReason, cursor: str) -> str:
    return Resync(reason=reason, detail=_RESYNC_DETAILS[reason], cursor=cursor).model_dump_json()


def opening_of(written: Written, topic: str) -> str:
    """A message but for its cursor, which is each socket's own: made once, however many sockets hear it."""
    at = written.written_at.isoformat()
    return f'{{"type":"message","topic":"{topic}","at":"{at}",{written.body.strip()[1:-1]},"cursor":"'


def with_cursor(opening: str, cursor: str) -> str:
    return f'{opening}{cursor}"}}'
