"""Judging what was received: accepted, or rejected and kept apart without readable free text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from aurora import clock
from aurora.events.acceptance import AcceptedEvent, Rejected, validate
from aurora.events.ciphertext import note_hash_key
from aurora.telemetry import EVENTS_RECEIVED, EVENTS_REJECTED
from serving.auth.people import Author
from serving.events.dead_letters import without_note

WAY_IN: Final = "api"


class Judge:
    """Says what may enter the log, and holds the keys that this takes."""

    def __init__(self, system_key: str) -> None:
        self._system_key = system_key
        self._hash_key = note_hash_key(system_key)

    def judge(self, received: dict[str, Any] | Rejected, person: Author) -> AcceptedEvent | Rejected:
        if isinstance(received, Rejected):
            return received
        return validate(
            received,
            user_id=person.user_id,
            user_tz=person.tz,
            received_at=clock.now(),
            hash_key=self._hash_key,
        )

    def sealed(self, rejected: Rejected, person: Author) -> Rejected:
        """The rejection without readable free text: a dead letter outlives the person's account."""
        return without_note(rejected, lambda: self.key(person), person.user_id)

    def key(self, person: Author) -> bytes:
        """The key under which this person's notes are sealed."""
        return person.data_key(self._system_key)


def count(outcomes: Iterable[str], rejected: Iterable[Rejected]) -> None:
    """Count in the metrics what was committed."""
    for outcome, number in Counter(outcomes).items():
        EVENTS_RECEIVED.labels(WAY_IN, outcome).inc(number)
    for code, number in Counter(item.code for item in rejected).items():
        EVENTS_REJECTED.labels(code).inc(number)
