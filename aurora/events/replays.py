"""Replays: dead letters get another chance after a fix.

A replay goes through the same acceptance as everything else and is known from the instant of the replay on:
until then nobody knew it. What was accepted is marked in the transaction that stored it, so that a replay can be
killed and repeated. A letter whose body is a row of a file needs that file: importing it again is its replay.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from cryptography.exceptions import InvalidTag
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from aurora import clock
from aurora.events.acceptance import AcceptedEvent, Rejected, undecodable, validate
from aurora.events.ciphertext import note_hash_key, open_text, unwrap
from aurora.events.dead_letters import Connection, DeadLetter, Wanted, take_letters
from aurora.events.storage import Outcome, store_events
from aurora.topics import EVENTS_ACCEPTED

STREAMS: Final = "streams"
"""Source of the messages that had no effect; their events are in the log already."""

AT_ONCE: Final = 200
_ENVELOPE: Final = frozenset({"event_id", "type", "started_at", "source"})

Left = Literal["needs its file", "nobody's", "conflict stays"]
"""Why a letter cannot be replayed from here."""

OnLetters = Callable[[int], None]
"""Called with how many letters were looked at so far."""


@dataclass
class ReplayReport:
    """What became of the letters of a replay."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """accepted, duplicate, superseded, conflict; announced: a message of the streams that is sent again."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Still rejected, by the reason of today."""
    left: Counter[str] = field(default_factory=Counter)
    """Cannot be replayed from here."""

    @property
    def settled(self) -> int:
        return sum(self.outcomes.values()) - self.outcomes["conflict"]


@dataclass(frozen=True)
class _Person:
    user_id: UUID
    tz: str
    data_key_ciphertext: bytes


Judged = tuple[DeadLetter, AcceptedEvent | Rejected | Left]


async def replay_letters(
    connection: Connection, wanted: Wanted, system_key: str, on_letters: OnLetters | None = None
) -> ReplayReport:
    """Give every waiting letter another chance, some in each transaction (`connection` commits by itself)."""
    report, last, done = ReplayReport(), 0, 0
    while True:
        async with connection.transaction():
            letters = await take_letters(connection, wanted, after=last, limit=AT_ONCE)
            if not letters:
                return report
            await replay(connection, letters, system_key, report)
        last, done = letters[-1].rejection_id, done + len(letters)
        if on_letters is not None:
            on_letters(done)


async def replay(
    connection: Connection, letters: Sequence[DeadLetter], system_key: str, report: ReplayReport
) -> list[Judged]:
    """Replay these letters in the caller's transaction; what each was judged to be now, in order."""
    people = await _people(connection, {letter.user_id for letter in letters if letter.user_id})
    hash_key, now = note_hash_key(system_key), clock.now()
    judged: list[Judged] = []
    settled: list[int] = []
    by_person: dict[UUID, list[tuple[DeadLetter, AcceptedEvent]]] = {}
    for letter in letters:
        if letter.source == STREAMS:
            is_sent = await _announce(connection, letter)
            report.outcomes["announced"] += is_sent
            report.rejected[letter.reason_code] += not is_sent
            settled += [letter.rejection_id] * is_sent
            continue
        person = people.get(letter.user_id) if letter.user_id else None
        verdict = _judge(letter, person, system_key, hash_key=hash_key, now=now)
        judged.append((letter, verdict))
        if isinstance(verdict, AcceptedEvent):
            by_person.setdefault(verdict.user_id, []).append((letter, verdict))
        elif isinstance(verdict, Rejected):
            report.rejected[verdict.code] += 1
        else:
            report.left[verdict] += 1
    for user_id, theirs in by_person.items():
        outcomes = await _store(connection, [event for _, event in theirs], people[user_id], system_key)
        report.outcomes.update(outcomes)
        settled += [
            letter.rejection_id
            for (letter, _), outcome in zip(theirs, outcomes, strict=True)
            if outcome != "conflict"
        ]
    await connection.execute(
        "update raw.rejected_events set replayed_at = now() where rejection_id = any(%s)", (settled,)
    )
    return judged


def opened_body(letter: DeadLetter, person_key: bytes | None) -> dict[str, Any] | None:
    """The item as it was received, its free text readable again; None when it is no object, or stays sealed."""
    try:
        content = json.loads(letter.body)
        if isinstance(content, dict) and content.keys() == {"sealed"}:
            content = json.loads(_open(content["sealed"], person_key, letter))
        if isinstance(content, dict) and isinstance(content.get("note"), dict):
            note = _open(content["note"]["sealed"], person_key, letter)
            content |= {"note": note if letter.batch_id else json.loads(note)}
    except (ValueError, TypeError, KeyError, RecursionError, InvalidTag):
        return None
    return content if isinstance(content, dict) else None


def _open(sealed: str, person_key: bytes | None, letter: DeadLetter) -> str:
    bound_to = letter.batch_id or letter.user_id
    if person_key is None or bound_to is None:
        raise ValueError("nobody's key opens this")
    return open_text(person_key, bound_to, bytes.fromhex(sealed))


def _judge(
    letter: DeadLetter, person: _Person | None, system_key: str, *, hash_key: bytes, now: datetime
) -> AcceptedEvent | Rejected | Left:
    if letter.reason_code == "conflict":
        return "conflict stays"
    if person is None:
        return "needs its file" if letter.batch_id else "nobody's"
    body = opened_body(letter, unwrap(system_key, person.user_id, person.data_key_ciphertext))
    if letter.batch_id and (body is None or not body.keys() >= _ENVELOPE):
        return "needs its file"
    if body is None:
        return undecodable(letter.body.encode(), letter.reason)
    return validate(
        body,
        user_id=person.user_id,
        user_tz=person.tz,
        received_at=now,
        hash_key=hash_key,
        is_import=letter.batch_id is not None,
    )


async def _store(
    connection: Connection, events: list[AcceptedEvent], person: _Person, system_key: str
) -> list[Outcome]:
    key = unwrap(system_key, person.user_id, person.data_key_ciphertext)
    return await store_events(connection, events, keys={person.user_id: key})


async def _announce(connection: Connection, letter: DeadLetter) -> bool:
    """Send the message again; False when it is none that could have an effect."""
    try:
        body = json.loads(letter.body)
        user_id = UUID(body["user_id"])
        message = {name: value for name, value in body.items() if name not in {"outbox_id", "position"}}
    except (ValueError, TypeError, KeyError, AttributeError):
        return False
    if "local_date" not in message:
        return False
    await connection.execute(
        "insert into raw.outbox (topic, user_id, body) values (%s, %s, %s)",
        (EVENTS_ACCEPTED, user_id, Jsonb(message)),
    )
    await connection.execute("notify aurora_outbox")
    return True


async def _people(connection: Connection, user_ids: set[UUID]) -> dict[UUID, _Person]:
    async with connection.cursor(row_factory=class_row(_Person)) as cursor:
        await cursor.execute(
            "select user_id, tz, data_key_ciphertext from app.users"
            " where user_id = any(%s) and deleted_at is null",
            (list(user_ids),),
        )
        return {person.user_id: person for person in await cursor.fetchall()}
