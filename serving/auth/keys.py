"""API keys as they are shown: what one looks like, whose it is, and when it was last used.

A key is opaque and long; stored is its SHA-256 alone. Which person and which scopes stand behind it never changes,
so a worker that has asked Postgres once remembers that. Whether the key still holds is told by serving/auth/logins.py,
as of logins.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from typing import Final, LiteralString
from uuid import UUID

import psycopg
import structlog

from serving.auth.errors import TokenInvalidError
from serving.auth.tokens import AccessToken
from serving.database import Database

PREFIX: Final = "aurora_key_"
"""Tells people, and scanners for leaked secrets, what they have before them."""
SHOWN_LETTERS: Final = len(PREFIX) + 6
REMEMBERED_KEYS: Final = 10_000
FOREVER: Final = 2**53
"""When a key without an end ends, in seconds since 1970: far away, and exact in JSON."""

_FIND: Final[LiteralString] = """
    select user_id, key_id, scopes, extract(epoch from expires_at)::bigint
    from app.api_keys
    where key_hash = %(key_hash)s and revoked_at is null and (expires_at is null or expires_at > now())
"""
_NOTE_USES: Final[LiteralString] = """
    update app.api_keys set last_used_at = used.at
    from unnest(%(key_ids)s::uuid[], %(times)s::double precision[]) as asked (key_id, seconds)
    cross join lateral to_timestamp(asked.seconds) as used (at)
    where api_keys.key_id = asked.key_id and (last_used_at is null or last_used_at < used.at)
"""

log = structlog.get_logger(__name__)


def new_key() -> str:
    """A key that nobody can guess: 256 bits."""
    return PREFIX + secrets.token_urlsafe(32)


def key_digest(key: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(key.encode()).digest()


def looks_like_key(text: str) -> bool:
    return text.startswith(PREFIX)


class Keys:
    """Reads keys, and notes from time to time which of them were used."""

    def __init__(self, database: Database, note_seconds: float) -> None:
        self._database = database
        self._note_seconds = note_seconds
        self._known: dict[bytes, AccessToken] = {}
        self._uses: dict[UUID, float] = {}

    def remembered(self, key: str) -> AccessToken | None:
        """What is known of a key without asking anybody."""
        token = self._known.get(key_digest(key))
        if token is None or token.expires_at <= time.time():
            return None
        self._uses[token.family_id] = time.time()
        return token

    async def read(self, key: str) -> AccessToken:
        """Whose key this is and what it may; TokenInvalidError when it is not one, or no more."""
        digest = key_digest(key)
        async with self._database.transaction() as connection:
            cursor = await connection.execute(_FIND, {"key_hash": digest})
            row = await cursor.fetchone()
        if row is None:
            raise TokenInvalidError("this API key is unknown, has expired or was revoked")
        user_id, key_id, scopes, expires_at = row
        token = AccessToken(user_id, key_id, expires_at or FOREVER, frozenset(scopes))
        if len(self._known) >= REMEMBERED_KEYS:
            self._known.clear()
        self._known[digest] = token
        self._uses[key_id] = time.time()
        return token

    async def keep_noting(self) -> None:
        """Write down what was used, for as long as the worker lives."""
        while True:
            await asyncio.sleep(self._note_seconds)
            try:
                await self.note_uses()
            except psycopg.Error as error:
                log.warning("key_uses_wait", problem=type(error).__name__)

    async def note_uses(self) -> None:
        """Write down when keys were last used. What cannot be written now is kept for the next time."""
        uses, self._uses = self._uses, {}
        if not uses:
            return
        noted = {"key_ids": list(uses), "times": list(uses.values())}
        try:
            async with self._database.transaction() as connection:
                await connection.execute(_NOTE_USES, noted)
        except psycopg.Error:
            self._uses = uses | self._uses
            raise
