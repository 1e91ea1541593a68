"""People as events know them: whose events these are, their zone, cohort and data key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid5

import psycopg

from aurora.events.ciphertext import new_person_key

NAMESPACE: Final = UUID("8a4e2f6c-0f0b-5b6e-9a51-6f1c3a7d9e20")
"""Of every uuid5 that AURORA derives: people of a cohort, events of a file."""


@dataclass(frozen=True)
class Person:
    """One person whose events are imported or simulated."""

    user_id: UUID
    username: str
    tz: str
    cohort: str
    persona: str | None = None


def user_id_of(cohort: str, user_key: str) -> UUID:
    """The stable id of a person whom a source calls `user_key`."""
    return uuid5(NAMESPACE, f"{cohort}:{user_key}")


def event_id_of(user_id: UUID, source: str, key: str) -> UUID:
    """The stable id of an event whose natural key in `source` is `key`."""
    return uuid5(user_id, f"{source}:{key}")


def ensure_people(connection: psycopg.Connection[Any], people: Iterable[Person], system_key: str) -> int:
    """Create those who do not exist yet; returns how many were."""
    rows = [
        (
            person.user_id,
            person.username,
            person.tz,
            person.cohort,
            person.persona,
            new_person_key(system_key, person.user_id),
        )
        for person in people
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into app.users (user_id, username, tz, cohort, persona, data_key_ciphertext)"
            " values (%s, %s, %s, %s, %s, %s) on conflict do nothing",
            rows,
        )
        return max(cursor.rowcount, 0)
