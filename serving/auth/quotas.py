"""How often people may come who have a quota of their own: asked of Postgres once, for many at once.

It is known before somebody's first request is counted, so the first one is judged as all others are. What was known
last holds also while this worker hears nothing from Postgres, when logins themselves are asked for each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, LiteralString
from uuid import UUID

from serving.auth.logins import Logins
from serving.auth.people import Person
from serving.database import Database
from serving.grouping import Grouping

REMEMBERED_QUOTAS: Final = 50_000
"""A hundred bytes each."""
ASKED_AT_ONCE: Final = 200

_READ: Final[LiteralString] = """
    select user_id, requests_per_minute from app.users where user_id = any(%s) and requests_per_minute is not null
"""


class Quotas:
    """The own quotas of the people that this worker has seen; None of who has that of everybody."""

    def __init__(self, database: Database, logins: Logins) -> None:
        self._database = database
        self._known: dict[UUID, int | None] = {}
        self._changes = 0
        self._together: Grouping[UUID, int | None] = Grouping(self._read, most=ASKED_AT_ONCE)
        logins.follow(self._forget)

    async def of(self, user_id: UUID) -> int | None:
        """Somebody's own quota; psycopg.OperationalError when nobody can say."""
        if user_id in self._known:
            return self._known[user_id]
        return await self._together.ask(user_id)

    def note(self, person: Person) -> None:
        """What was read with all else about somebody."""
        self._remember(person.user_id, person.requests_per_minute)

    def _remember(self, user_id: UUID, quota: int | None) -> None:
        if len(self._known) >= REMEMBERED_QUOTAS and user_id not in self._known:
            del self._known[next(iter(self._known))]
        self._known[user_id] = quota

    def _forget(self, user_id: UUID | None) -> None:
        self._changes += 1
        if user_id is None:
            self._known.clear()
        else:
            self._known.pop(user_id, None)

    async def _read(self, asked: Sequence[UUID]) -> list[int | None]:
        changes = self._changes
        async with self._database.transaction() as connection:
            cursor = await connection.execute(_READ, (list(asked),))
            own: dict[UUID, int] = dict(await cursor.fetchall())
        # What changed since may not be what was read.
        if changes == self._changes:
            for user_id in asked:
                self._remember(user_id, own.get(user_id))
        return [own.get(user_id) for user_id in asked]
