"""The topics of the WebSocket, and whose they are. A person can never have another person's topic.

    user:{user_id}:events | predictions | insights | scores        system:announcements

A topic is made from the line that a notice was written into and its subject, never from what a notice says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from aurora.notices.log import EVERYBODY
from aurora.notices.messages import PERSONAL_SUBJECTS, Subject

ANNOUNCEMENTS: Final = "system:announcements"
EVERY_SUBJECT: Final[frozenset[Subject]] = frozenset({*PERSONAL_SUBJECTS, "announcements"})


def topic_of(user_id: UUID, subject: Subject) -> str | None:
    """The topic of a notice in a person's line, or None when such a notice has no business there."""
    if user_id == EVERYBODY:
        return ANNOUNCEMENTS if subject == "announcements" else None
    return f"user:{user_id}:{subject}" if subject in PERSONAL_SUBJECTS else None


def topics_of(user_id: UUID) -> Mapping[str, Subject]:
    """Every topic that this person may have, with its subject."""
    own: dict[str, Subject] = {f"user:{user_id}:{subject}": subject for subject in PERSONAL_SUBJECTS}
    return {**own, ANNOUNCEMENTS: "announcements"}


def wanted_subjects(user_id: UUID, names: Iterable[str]) -> frozenset[Subject] | None:
    """The subjects of topics, named in full or by their subject; None when one of them is not theirs."""
    by_name: dict[str, Subject] = {}
    for topic, subject in topics_of(user_id).items():
        by_name[topic] = by_name[subject] = subject
    asked = set(names)
    return frozenset[Subject](by_name[name] for name in asked) if asked <= set(by_name) else None
