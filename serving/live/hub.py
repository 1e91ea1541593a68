"""The hub of one worker: from Redis pub/sub to the sockets that are open here.

One subscription a person, however many sockets; one connection to Redis, which comes back by itself. What was
published while it was away is lost here and found in the API: the socket says "look", the log is the truth.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from typing import Any, Final
from uuid import UUID

import psycopg
import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from aurora import clock
from aurora.telemetry import WEBSOCKETS
from serving.auth.sessions import closed_families
from serving.database import Database
from serving.live.sockets import GOING_AWAY, NOT_LOGGED_IN, Socket
from serving.live.topics import SYSTEM_CHANNEL, channel_of, topic_of_message

log = structlog.get_logger(__name__)

LONGEST_PAUSE_SECONDS: Final = 5.0


class Hub:
    """Knows every open socket of this worker."""

    def __init__(self, redis_url: str, database: Database, *, check_seconds: float) -> None:
        # Not the client of the request path: a subscription waits for as long as nothing happens.
        self._redis: Redis = Redis.from_url(
            redis_url, socket_connect_timeout=2, health_check_interval=15, retry=Retry(NoBackoff(), 0)
        )
        self._database = database
        self._check_seconds = check_seconds
        self._sockets: defaultdict[UUID, set[Socket]] = defaultdict(set)
        self._pubsub: PubSub | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._listen(), name="hub"),
            asyncio.create_task(self._check_logins(), name="hub-logins"),
        ]

    async def stop(self) -> None:
        for sockets in list(self._sockets.values()):
            for socket in list(sockets):
                socket.end(GOING_AWAY, "the server restarts; connect again")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._redis.aclose()

    def count(self, user_id: UUID) -> int:
        return len(self._sockets.get(user_id, ()))

    async def add(self, socket: Socket) -> None:
        user_id = socket.token.user_id
        self._sockets[user_id].add(socket)
        WEBSOCKETS.inc()
        if self.count(user_id) == 1:
            await self._on_redis("subscribe", channel_of(user_id))

    async def remove(self, socket: Socket) -> None:
        user_id = socket.token.user_id
        self._sockets[user_id].discard(socket)
        WEBSOCKETS.dec()
        if not self._sockets[user_id]:
            del self._sockets[user_id]
            await self._on_redis("unsubscribe", channel_of(user_id))

    async def _on_redis(self, action: str, channel: str) -> None:
        if self._pubsub is None:
            return  # the next connection subscribes to all that is wanted
        try:
            await getattr(self._pubsub, action)(channel)
        except (RedisError, OSError) as error:
            log.warning("hub_subscription_failed", problem=type(error).__name__)

    async def _listen(self) -> None:
        """Hear Redis, for ever."""
        pause = 0.1
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(
                        SYSTEM_CHANNEL, *(channel_of(user_id) for user_id in self._sockets)
                    )
                    self._pubsub = pubsub
                    pause = 0.1
                    async for message in pubsub.listen():
                        self._deliver(message)
            except (RedisError, OSError) as error:
                log.warning("hub_away", problem=type(error).__name__)
            finally:
                self._pubsub = None
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _deliver(self, message: dict[str, Any]) -> None:
        channel = message["channel"].decode()
        try:
            user_id = None if channel == SYSTEM_CHANNEL else UUID(channel.rpartition(":")[2])
            body = json.loads(message["data"])
            topic = topic_of_message(body.get("topic"), user_id)
        except (ValueError, TypeError, AttributeError):
            log.warning("hub_message_unreadable")
            return
        if topic is None:
            log.warning("hub_message_on_foreign_topic")
            return
        text = json.dumps(
            {"type": "message", "at": clock.now().isoformat(), **body, "topic": topic}, ensure_ascii=False
        )
        for socket in self._listeners(user_id):
            socket.offer(topic, text)

    def _listeners(self, user_id: UUID | None) -> list[Socket]:
        if user_id is not None:
            return list(self._sockets.get(user_id, ()))
        return [socket for sockets in self._sockets.values() for socket in sockets]

    async def _check_logins(self) -> None:
        """Close the sockets of logins that were closed. One query for all of them."""
        while True:
            await asyncio.sleep(self._check_seconds)
            sockets = self._listeners(None)
            if not sockets:
                continue
            families = list({socket.token.family_id for socket in sockets})
            try:
                async with self._database.transaction() as connection:
                    closed = await closed_families(connection, families)
            except psycopg.Error:
                continue  # asked again at the next turn; the token's own end comes anyway
            for socket in sockets:
                if socket.token.family_id in closed:
                    socket.end(NOT_LOGGED_IN, "this login was closed")
