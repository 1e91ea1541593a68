"""People with an open login, without the cost of their passwords."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

import psycopg

from aurora import clock
from benchmarks.services import DATA_KEY, Services
from serving.auth.people import INSERT_PERSON, new_person_row
from serving.auth.tokens import Secrets, TokenIssuer
from serving.options import ApiOptions

JWT_SECRET: Final = (
    "the secret of a benchmark, which is long enough for every algorithm"  # of nobody else's API
)


@dataclass(frozen=True)
class Person:
    """Somebody who is logged in, with an access token for ten hours."""

    user_id: UUID
    token: str


def log_in(services: Services, count: int, *, tz: str = "UTC") -> list[Person]:
    """So many new people who live in the zone `tz`."""
    nothing = "-"
    rows = [
        new_person_row(username=uuid4().hex, password_hash=nothing, tz=tz, system_key=DATA_KEY)
        for _ in range(count)
    ]
    with psycopg.connect(services.postgres_url) as connection, connection.cursor() as cursor:
        cursor.executemany(INSERT_PERSON, rows)
    return log_in_as(services, [row["user_id"] for row in rows])


def log_in_as(services: Services, user_ids: Sequence[UUID]) -> list[Person]:
    """These people, who exist already."""
    issuer, now = TokenIssuer(Secrets(JWT_SECRET), ApiOptions(access_minutes=600)), clock.now()
    families = {user_id: uuid4() for user_id in user_ids}
    with psycopg.connect(services.postgres_url) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "insert into app.sessions (session_id, user_id, family_id, refresh_hash, expires_at)"
            " values (gen_random_uuid(), %s, %s, %s, now() + interval '1 day')",
            [(user_id, family, family.bytes) for user_id, family in families.items()],
        )
    return [
        Person(user_id, issuer.issue("access", user_id, family, now)) for user_id, family in families.items()
    ]
