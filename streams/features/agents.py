"""The agent of live features. Nothing that arrives can stop it: what has no effect becomes a dead letter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Final

import faust
import psycopg
import stamina
import structlog
from psycopg_pool import AsyncConnectionPool
from redis.exceptions import ConnectionError as RedisAwayError
from redis.exceptions import TimeoutError as RedisTimeoutError

from aurora.topics import EVENTS_ACCEPTED
from streams.events.dead_letters import DeadLetter, keep, without_effect
from streams.events.messages import Touch, Unreadable, read_message
from streams.events.outbox import mark_consumed
from streams.features.batching import batches, is_behind_broker
from streams.features.refresher import Refresher
from streams.metrics import CONSUMED
from streams.progress import Progress

log = structlog.get_logger(__name__)

AWAY: Final = (psycopg.OperationalError, psycopg.InterfaceError, RedisAwayError, RedisTimeoutError, OSError)
"""Postgres or Redis cannot be reached. That is no fault of any message: it waits."""


class MessageHandler:
    """Gives a batch of raw messages its effect, whatever is in it."""

    def __init__(
        self,
        refresher: Refresher,
        pool: AsyncConnectionPool[psycopg.AsyncConnection[Any]],
        progress: Progress,
    ) -> None:
        self._refresher = refresher
        self._pool = pool
        self._progress = progress

    async def handle(self, batch: Sequence[object]) -> None:
        """Returns when every message had its effect or is a dead letter."""
        read = [read_message(raw) for raw in batch]
        unreadable = [item for item in read if isinstance(item, Unreadable)]
        touches = [item for item in read if isinstance(item, Touch)]
        if unreadable:
            letters = [DeadLetter("undecodable", item.reason, item.body) for item in unreadable]
            ids = [item.outbox_id for item in unreadable if item.outbox_id is not None]
            await self._set_aside(letters, ids)
        if touches:
            await self._refresh(touches)
        self._progress.note()

    async def _refresh(self, touches: Sequence[Touch]) -> None:
        try:
            await self._patiently(lambda: self._refresher.refresh(touches))
        except Exception as error:  # Faust acks an event whose agent crashed: it would be lost
            apart = _apart(touches)
            if len(apart) > 1:
                # Something is at fault that is not one day's events; the others shall not suffer for it.
                for some in apart:
                    await self._refresh(some)
                return
            log.exception("message_without_effect", user_id=str(touches[0].user_id))
            await self._set_aside([without_effect(touch, error) for touch in touches], _ids(touches))

    async def _set_aside(self, letters: Sequence[DeadLetter], ids: Sequence[int]) -> None:
        async def write() -> None:
            async with self._pool.connection() as connection:
                await keep(connection, letters)
                await mark_consumed(connection, ids)

        await self._patiently(write)
        CONSUMED.labels("dead_letter").inc(len(letters))

    async def _patiently(self, action: Callable[[], Any]) -> None:
        """Try again for as long as Postgres or Redis are away."""
        async for attempt in stamina.retry_context(
            on=AWAY, attempts=None, timeout=None, wait_initial=0.1, wait_max=5.0, wait_jitter=0.5
        ):
            with attempt:
                self._progress.note()
                await action()


def register_agents(app: faust.App, handler: MessageHandler) -> Any:
    """Add the agents of live features to the Faust app; the one that refreshes features."""
    topic = app.topic(EVENTS_ACCEPTED, value_serializer="raw", key_serializer="raw")

    @app.agent(topic, name="refresh_features", concurrency=1)
    async def refresh_features(stream: Any) -> None:
        async for batch in batches(stream, is_behind_broker(app)):
            await handler.handle([event.value for event in batch])
            # Only now: what a worker that dies had in hand goes to another one.
            for event in batch:
                event.ack()

    return refresh_features


def _apart(touches: Sequence[Touch]) -> list[list[Touch]]:
    """The touches in two halves, of whole people and days, so that what is at fault is found in few steps."""
    groups: dict[object, list[Touch]] = defaultdict(list)
    for touch in touches:
        groups[touch.user_id, touch.local_date].append(touch)
    days = sorted(groups.values(), key=lambda some: (some[0].user_id, some[0].local_date))
    halves = days[: len(days) // 2], days[len(days) // 2 :]
    return [[touch for some in half for touch in some] for half in halves if half]


def _ids(touches: Sequence[Touch]) -> list[int]:
    return [touch.outbox_id for touch in touches if touch.outbox_id is not None]
