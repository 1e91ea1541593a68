"""Tickets: a browser cannot send a header with a WebSocket, so it buys a ticket that works once and soon."""

from __future__ import annotations

import json
import secrets
from datetime import datetime
from uuid import UUID

from serving.auth.tokens import AccessToken
from serving.errors import LiveStateUnavailableError
from serving.redis_access import RedisAccess


class Tickets:
    """Sells and takes tickets, in Redis."""

    def __init__(self, redis: RedisAccess, seconds: int) -> None:
        self._redis = redis
        self.seconds = seconds

    async def sell(self, token: AccessToken) -> str:
        """A ticket for the person of this token; LiveStateUnavailableError without Redis."""
        ticket = secrets.token_urlsafe(32)
        body = json.dumps([str(token.user_id), str(token.family_id), token.expires_at])
        stored = await self._redis.attempt(
            lambda client: client.set(_key(ticket), body, ex=self.seconds), otherwise=False
        )
        if not stored:
            raise LiveStateUnavailableError
        return ticket

    async def take(self, ticket: str) -> AccessToken | None:
        """What the ticket stands for; it is used up. None when it is unknown, used or too old."""
        if not 1 <= len(ticket) <= 100:
            return None
        body = await self._redis.attempt(lambda client: client.getdel(_key(ticket)), otherwise=None)
        if body is None:
            return None
        user_id, family_id, expires_at = json.loads(body)
        return AccessToken(UUID(user_id), UUID(family_id), expires_at)


def _key(ticket: str) -> str:
    return f"aurora:tickets:{ticket}"


def seconds_left(token: AccessToken, now: datetime) -> float:
    """How long this token is still good."""
    return token.expires_at - now.timestamp()
