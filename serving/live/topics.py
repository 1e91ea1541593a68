"""The topics of the WebSocket, and whose they are. A person can never have another person's topic.

    user:{user_id}:events | predictions | insights | scores        system:announcements

On Redis each person has one channel and the system another; a message on it names its topic.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

SUBJECTS: Final = ("events", "predictions", "insights", "scores")
ANNOUNCEMENTS: Final = "system:announcements"
SYSTEM_CHANNEL: Final = "aurora:ws:system"


def channel_of(user_id: UUID) -> str:
    return f"aurora:ws:{user_id}"


def topics_of(user_id: UUID) -> frozenset[str]:
    """Every topic that this person may have."""
    return frozenset({*(f"user:{user_id}:{subject}" for subject in SUBJECTS), ANNOUNCEMENTS})


def topic_of_message(named: object, user_id: UUID | None) -> str | None:
    """The topic of a message on a person's channel (None: on the system's), or None when it is not theirs.

    Publishers may name a topic in full or by its subject alone.
    """
    if user_id is None:
        return ANNOUNCEMENTS
    topic = f"user:{user_id}:{named}" if named in SUBJECTS else str(named)
    return topic if topic in topics_of(user_id) - {ANNOUNCEMENTS} else None
