"""Dead letters of the streams: a message that cannot have its effect is set aside, never in the way.

The row and its announcement on the topic of rejected events commit together; the relay sends the latter.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from aurora.telemetry import EVENTS_REJECTED
from aurora.topics import EVENTS_REJECTED as REJECTED_TOPIC
from streams.events.messages import Touch

SOURCE: Final = "streams"
NOBODY: Final = UUID(int=0)
"""Whose message it was when it did not say."""

EFFECT_FAILED: Final = "effect_failed"

_KEEP: Final[LiteralString] = """
    with rejected as (
        insert into raw.rejected_events (user_id, source, reason_code, reason, body)
        values (%(user_id)s, %(source)s, %(code)s, %(reason)s, %(body)s)
    )
    insert into raw.outbox (topic, user_id, body) values (%(topic)s, %(key)s, %(announcement)s)
"""


@dataclass(frozen=True)
class DeadLetter:
    """One message that had no effect, with a code for machines and a reason for people."""

    code: str
    reason: str
    body: str
    user_id: UUID | None = None


def without_effect(touch: Touch, error: Exception) -> DeadLetter:
    """The dead letter of a message whose day cannot be computed."""
    body = {
        "user_id": str(touch.user_id),
        "local_date": touch.local_date.isoformat(),
        "event_id": touch.event_id and str(touch.event_id),
        "version": touch.version,
        "type": touch.type,
        "outbox_id": touch.outbox_id,
    }
    # The type of the error only: its text may quote what a person wrote.
    reason = f"its effect failed: {type(error).__name__}"
    return DeadLetter(EFFECT_FAILED, reason, json.dumps(body), touch.user_id)


async def keep(connection: psycopg.AsyncConnection[Any], letters: Iterable[DeadLetter]) -> None:
    """Set these messages aside, in the caller's transaction."""
    letters = list(letters)
    if not letters:
        return
    async with connection.cursor() as cursor:
        await cursor.executemany(_KEEP, [_parameters(letter) for letter in letters])
    await connection.execute("notify aurora_outbox")
    for letter in letters:
        EVENTS_REJECTED.labels(letter.code).inc()


def _parameters(letter: DeadLetter) -> dict[str, Any]:
    user_id = letter.user_id and str(letter.user_id)
    return {
        "user_id": letter.user_id,
        "source": SOURCE,
        "code": letter.code,
        "reason": letter.reason,
        "body": letter.body,
        "topic": REJECTED_TOPIC,
        "key": letter.user_id or NOBODY,
        # Ids and codes only: what the message held stays in the table.
        "announcement": Jsonb({"user_id": user_id, "source": SOURCE, "reason_code": letter.code}),
    }
