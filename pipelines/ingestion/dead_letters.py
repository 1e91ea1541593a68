"""Dead letters of an import: rows and events that could not be accepted, kept whole with their reason."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from aurora.events.ciphertext import seal_text

WITHHELD = "(sealed)"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One row or event that was set aside."""

    row_number: int
    code: str
    reason: str
    body: str
    user_id: UUID | None = None


def keep(
    connection: psycopg.Connection[Any], batch_id: UUID, source: str, letters: Iterable[DeadLetter]
) -> None:
    """Write them down. One that is already there is brought up to date, so a repeated import adds none."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into raw.rejected_events"
            " (user_id, source, reason_code, reason, body, batch_id, row_number)"
            " values (%s, %s, %s, %s, %s, %s, %s)"
            " on conflict (batch_id, row_number, reason_code, reason)"
            " do update set received_at = now(), replayed_at = null, body = excluded.body",
            [
                (
                    letter.user_id,
                    source,
                    letter.code,
                    letter.reason,
                    letter.body.replace("\x00", ""),
                    batch_id,
                    letter.row_number,
                )
                for letter in letters
            ],
        )


def settle(connection: psycopg.Connection[Any], batch_id: UUID, *, before: datetime) -> None:
    """Mark as replayed what an earlier run set aside and this one, begun at `before`, did not."""
    connection.execute(
        "update raw.rejected_events set replayed_at = now()"
        " where batch_id = %s and received_at < %s and replayed_at is null"
        " and reason_code not in ('undecodable', 'too_large')",
        (batch_id, before),
    )


def unread_rows(connection: psycopg.Connection[Any], batch_id: UUID) -> dict[str, int]:
    """Rows of the file that were never rows, by reason code."""
    return dict(
        connection.execute(
            "select reason_code, count(*) from raw.rejected_events"
            " where batch_id = %s and reason_code in ('undecodable', 'too_large') group by reason_code",
            (batch_id,),
        ).fetchall()
    )


def body_without_note(body: str, person_key: bytes | None, letter_id: UUID) -> str:
    """The body of a rejected event with its free text sealed: a dead letter outlives the person's account."""
    if '"note"' not in body:
        return body
    content = json.loads(body)
    note = content.get("note") if isinstance(content, dict) else None
    if note is None:
        return body
    sealed = seal_text(person_key, letter_id, str(note)).hex() if person_key else WITHHELD
    return json.dumps(content | {"note": {"sealed": sealed}}, ensure_ascii=False)
