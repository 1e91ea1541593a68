"""Who is behind an open login or key: asked of Postgres once, and forgotten as soon as Postgres says that it changed.

Triggers on people, sessions and keys tell whom a change concerns when it is committed, whoever made it, so a logout
on one worker is true on all of them a moment later, also without Redis. What is remembered is believed only while
this worker hears from Postgres: when the line is silent for some seconds, each request asks again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import psycopg

from aurora.database.listening import keep_listening
from serving.auth.people import Person, find_person
from serving.auth.tokens import AccessToken
from serving.database import Connection

CHANNEL: Final = "aurora_logins"
"""As the triggers of migration 0014 say it; the payload is the person's id."""
REMEMBERED_PEOPLE: Final = 10_000
HEARTBEAT_SECONDS: Final = 1.0
BELIEVED_SECONDS: Final = 3.0


class Logins:
    """The people of the logins that this worker has seen."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._people: dict[UUID, dict[UUID, Person]] = {}
        self._changes = 0
        self._heard_at = float("-inf")
        self._followers: list[Callable[[UUID | None], None]] = []

    def follow(self, forget: Callable[[UUID | None], None]) -> None:
        """Have this called, too, with whom a change concerns; with None when it may concern anybody."""
        self._followers.append(forget)

    def remembered(self, token: AccessToken) -> Person | None:
        """The person of a login that holds, without asking anybody; None when it has to be asked for."""
        now = time.monotonic()
        if now - self._heard_at > BELIEVED_SECONDS or token.expires_at <= time.time():
            return None
        return self._people.get(token.user_id, {}).get(token.family_id)

    async def find(self, connection: Connection, token: AccessToken) -> Person | None:
        """The person of a login that holds; None when it was closed."""
        if (known := self.remembered(token)) is not None:
            return known
        changes = self._changes
        person = await find_person(connection, token.user_id, token.family_id)
        # What changed since may not be what was read.
        if person is not None and changes == self._changes:
            if len(self._people) >= REMEMBERED_PEOPLE:
                self._people.clear()
            self._people.setdefault(token.user_id, {})[token.family_id] = person
        return person

    async def forget(self, user_id: UUID) -> None:
        """Ask again who this is: something of theirs was changed by this worker, which need not hear of it first."""
        self._forget(user_id)

    def _forget(self, user_id: UUID) -> None:
        self._changes += 1
        self._people.pop(user_id, None)
        for follower in self._followers:
            follower(user_id)

    async def listen(self) -> None:
        """Hear what changes, for ever. Without a line nothing is remembered."""
        await keep_listening(self._url, CHANNEL, self._hear)

    def _begin_anew(self) -> None:
        """Some changes may have been missed."""
        self._changes += 1
        self._people.clear()
        for follower in self._followers:
            follower(None)
        self._heard_at = time.monotonic()

    async def _hear(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Until Postgres no longer answers: a line that was cut in between says nothing by itself."""
        self._begin_anew()
        try:
            while True:
                async for notification in connection.notifies(timeout=HEARTBEAT_SECONDS):
                    self._forget(UUID(notification.payload))
                    if time.monotonic() - self._heard_at > HEARTBEAT_SECONDS:
                        break
                async with asyncio.timeout(BELIEVED_SECONDS):
                    await connection.execute("select 1")
                self._heard_at = time.monotonic()
        finally:
            self._heard_at = float("-inf")
