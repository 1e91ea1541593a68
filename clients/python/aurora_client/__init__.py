"""A client of AURORA_LIFE: a `Session` makes requests, and `Session.listen` hears what happens."""

from aurora_client.errors import ApiError, AuroraClientError, LoginRequiredError
from aurora_client.live import Live
from aurora_client.messages import (
    AnnouncementMessage,
    EventsMessage,
    InsightsMessage,
    Message,
    PredictionMessage,
    Resync,
    ScoresMessage,
)
from aurora_client.pauses import Pauses
from aurora_client.session import Session, Tokens

__all__ = [
    "AnnouncementMessage",
    "ApiError",
    "AuroraClientError",
    "EventsMessage",
    "InsightsMessage",
    "Live",
    "LoginRequiredError",
    "Message",
    "Pauses",
    "PredictionMessage",
    "Resync",
    "ScoresMessage",
    "Session",
    "Tokens",
]
