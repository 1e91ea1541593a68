"""The messages of the WebSocket. Written by `make generate` from serving/live/messages.py."""

from __future__ import annotations

from typing import Literal, TypedDict


AnnouncementMessage = TypedDict(
    "AnnouncementMessage",
    {
        "cursor": str,
        "type": Literal["message"],
        "at": str,
        "subject": Literal["announcements"],
        "text": str,
        "topic": Literal["system:announcements"],
    },
)
"""What the operator tells everybody."""


ChangedEvent = TypedDict(
    "ChangedEvent",
    {
        "event_id": str,
        "version": int | None,
        "type": str | None,
        "local_date": str,
    },
)
"""An event that is new, corrected or deleted: read it from the API."""


Heartbeat = TypedDict(
    "Heartbeat",
    {
        "cursor": str,
        "type": Literal["heartbeat"],
    },
)
"""Nothing has happened, and you would have heard of it."""


InsightsMessage = TypedDict(
    "InsightsMessage",
    {
        "cursor": str,
        "type": Literal["message"],
        "at": str,
        "as_of": str,
        "local_date": str,
        "subject": Literal["insights"],
        "insight_ids": list[str],
        "topic": str,
    },
)
"""There are new insights: read them from the API."""


Ping = TypedDict(
    "Ping",
    {
        "action": Literal["ping"],
    },
)
"""Are you there?"""


Pong = TypedDict(
    "Pong",
    {
        "type": Literal["pong"],
    },
)
"""In answer to ping."""


ReasonGiven = TypedDict(
    "ReasonGiven",
    {
        "feature": str,
        "value": float | None,
        "unit": str,
        "contribution": float,
        "sentence": str,
    },
)
"""One feature's share in an answer."""


Refused = TypedDict(
    "Refused",
    {
        "type": Literal["error"],
        "code": Literal["message-unreadable", "action-unknown", "topic-forbidden", "frames-are-text"],
        "detail": str,
    },
)
"""You sent something that makes no sense, or asked for a topic that is not yours. Nothing was changed."""


Resync = TypedDict(
    "Resync",
    {
        "cursor": str,
        "type": Literal["resync"],
        "reason": Literal["cursor-unknown", "cursor-too-old"],
        "detail": str,
    },
)
"""Your cursor leads nowhere, so some messages are lost to you: read the API, then go on from here."""


ScoreGiven = TypedDict(
    "ScoreGiven",
    {
        "name": str,
        "version": int,
        "score": float | None,
        "score_state": Literal["SCORED", "CALIBRATING", "UNSCORABLE"],
        "coverage": float,
    },
)
"""A score of the person's local day as far as it has gone."""


Subscribe = TypedDict(
    "Subscribe",
    {
        "action": Literal["subscribe"],
        "topics": list[str],
    },
)
"""Hear these topics as well, from now on."""


Subscribed = TypedDict(
    "Subscribed",
    {
        "cursor": str,
        "type": Literal["subscribed"],
        "topics": list[str],
    },
)
"""What you hear from now on, in answer to subscribe and unsubscribe."""


Unsubscribe = TypedDict(
    "Unsubscribe",
    {
        "action": Literal["unsubscribe"],
        "topics": list[str],
    },
)
"""Do not hear these topics any more."""


Welcome = TypedDict(
    "Welcome",
    {
        "cursor": str,
        "type": Literal["welcome"],
        "topics": list[str],
        "heartbeat_seconds": float,
    },
)
"""The first message of each connection."""


EventsMessage = TypedDict(
    "EventsMessage",
    {
        "cursor": str,
        "type": Literal["message"],
        "at": str,
        "as_of": str,
        "local_date": str,
        "subject": Literal["events"],
        "local_dates": list[str],
        "events": list[ChangedEvent],
        "topic": str,
    },
)
"""Local days of yours have changed: read them from the API."""


PredictionMessage = TypedDict(
    "PredictionMessage",
    {
        "cursor": str,
        "type": Literal["message"],
        "at": str,
        "as_of": str,
        "local_date": str,
        "subject": Literal["predictions"],
        "model_name": str,
        "model_version": str | None,
        "model_source": Literal["model", "baseline", "none"],
        "value": float | None,
        "lower": float | None,
        "upper": float | None,
        "baseline": float | None,
        "baseline_name": str | None,
        "class": str | None,
        "probabilities": dict[str, float] | None,
        "reasons": list[ReasonGiven],
        "topic": str,
    },
)
"""What a model expects of you now. One message a model."""


ScoresMessage = TypedDict(
    "ScoresMessage",
    {
        "cursor": str,
        "type": Literal["message"],
        "at": str,
        "as_of": str,
        "local_date": str,
        "subject": Literal["scores"],
        "is_provisional": bool,
        "scores": list[ScoreGiven],
        "topic": str,
    },
)
"""Today's scores, as far as the day has gone."""


Message = (
    EventsMessage
    | PredictionMessage
    | ScoresMessage
    | InsightsMessage
    | AnnouncementMessage
)
"""Something happened. `subject` tells what."""


FromServer = (
    EventsMessage
    | PredictionMessage
    | ScoresMessage
    | InsightsMessage
    | AnnouncementMessage
    | Welcome
    | Resync
    | Heartbeat
    | Subscribed
    | Pong
    | Refused
)
"""Everything that the server sends. `type` tells what."""


ToServer = (
    Subscribe
    | Unsubscribe
    | Ping
)
"""Everything that a client may send."""
