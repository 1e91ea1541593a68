"""The dispatcher of one job worker: writes deliveries down, and attempts what is due, for as long as it lives.

Knocks on Redis say when to look; a look every few seconds finds what nobody knocked for and what is due again.
Whoever has a webhook counts as somebody who listens: predictions and scores are made for them there and then.

A receiver that hangs holds no others up: a webhook has a few attempts at a time, and all those whose last attempts
failed share half of the places.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

import psycopg
import structlog

from aurora import clock
from aurora.database.connections import pool
from aurora.notices.log import EVERYBODY
from aurora.settings import Settings
from aurora.tasks import end
from serving.database import Connection
from serving.live.knocking import Knocks
from serving.webhooks.attempting import Attempt, count_due, settle, take_attempts
from serving.webhooks.destinations import Resolver
from serving.webhooks.metrics import ATTEMPTS, DUE
from serving.webhooks.options import WebhookOptions
from serving.webhooks.queueing import queue_deliveries
from serving.webhooks.sending import Answer, Sender
from serving.webhooks.signing import signed_headers

Send = Callable[[str, Mapping[str, str], bytes], Awaitable[Answer]]
"""One attempt at a URL: `Sender.send`."""

AWAY: Final = (psycopg.OperationalError, psycopg.InterfaceError, OSError)
LONGEST_PAUSE_SECONDS: Final = 15.0
FAREWELL_SECONDS: Final = 3.0
"""What is under way at the end may end; then it is broken off, and sent again by the next process."""
COUNT_SECONDS: Final = 10.0
"""How often what is due is counted, however often there is something to look for."""

_OWNERS: Final = "select distinct user_id from app.webhooks where disabled_at is null"

log = structlog.get_logger(__name__)


class Dispatcher:
    """Serves everybody's webhooks. Several processes may do so at the same time."""

    def __init__(
        self, postgres_url: str, redis_url: str, system_key: str, options: WebhookOptions, send: Send
    ) -> None:
        self._pool = pool(postgres_url, 4)
        self._system_key = system_key
        self._options = options
        self._send = send
        self._owners: set[UUID] = set()
        self._knocks = Knocks(redis_url, wanted=self._heard, on_knock=self._on_knock)
        self._is_woken = asyncio.Event()
        self._count_at = 0.0
        self._under_way: dict[asyncio.Task[None], Attempt] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Dispatch for as long as the block lasts."""
        await self._pool.open(wait=False)
        tasks = [
            asyncio.create_task(self._knocks.listen(), name="webhooks-knocks"),
            asyncio.create_task(self._dispatch(), name="webhooks-dispatch"),
        ]
        try:
            yield
        finally:
            await end(tasks)
            await self._take_leave()
            await self._knocks.close()
            await self._pool.close()

    async def _dispatch(self) -> None:
        pause = 0.5
        while True:
            self._is_woken.clear()
            try:
                await self.look()
                pause = 0.5
                await self._wait()
                continue
            except AWAY as error:
                log.warning("webhooks_postgres_away", problem=type(error).__name__, next_try_seconds=pause)
            except Exception:  # whatever it was: without this task nothing is sent for ever
                log.exception("webhooks_look_failed")
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def look(self) -> None:
        """Write down what is new, and begin what is due."""
        async with self._pool.connection() as connection:
            await self._know_owners(connection)
        has_more = True
        while has_more:
            async with self._pool.connection() as connection:
                has_more = await queue_deliveries(connection)
        for failing in (False, True):
            async with self._pool.connection() as connection:
                attempts = await take_attempts(
                    connection,
                    clock.now(),
                    most=self._free_places(failing=failing),
                    each=self._options.at_once_each,
                    failing=failing,
                )
            for attempt in attempts:
                task = asyncio.create_task(self._attempt(attempt), name=f"webhook-{attempt.delivery_id}")
                self._under_way[task] = attempt
                task.add_done_callback(self._finish)
        if time.monotonic() >= self._count_at:
            self._count_at = time.monotonic() + COUNT_SECONDS
            async with self._pool.connection() as connection:
                DUE.set(await count_due(connection, clock.now()))

    async def _know_owners(self, connection: Connection) -> None:
        rows = await (await connection.execute(_OWNERS)).fetchall()
        owners = {user_id for (user_id,) in rows}
        new, gone = owners - self._owners, self._owners - owners
        self._owners = owners
        for user_id in new:
            await self._knocks.want(user_id)
        for user_id in gone:
            await self._knocks.leave(user_id)

    def _free_places(self, *, failing: bool) -> int:
        free = self._options.at_once - len(self._under_way)
        if not failing:
            return free
        taken = sum(attempt.failing_since is not None for attempt in self._under_way.values())
        return min(free, self._options.at_once // 2 - taken)

    async def _attempt(self, attempt: Attempt) -> None:
        """One attempt, and what follows from it."""
        ids = {"webhook_id": str(attempt.webhook_id), "delivery_id": str(attempt.delivery_id)}
        begun = clock.now()
        try:
            secrets = attempt.secrets(self._system_key)
            headers = signed_headers(attempt.delivery_id, begun, attempt.body, secrets)
            answer = await self._send(attempt.url, headers, attempt.body.encode())
        except Exception:  # a delivery that we cannot send must not be attempted for ever, without a pause
            log.exception("webhook_not_sent", **ids)
            answer = Answer(problem="unexpected")
        outcome = answer.problem or "delivered"
        ATTEMPTS.labels(outcome).inc()
        chance = random.random()  # noqa: S311  # spreads load, hides nothing
        try:
            async with self._pool.connection() as connection:
                verdict = await settle(connection, attempt, begun, answer, clock.now(), chance)
        except AWAY as error:
            # The lease ends by itself: it is sent again then.
            log.warning("webhook_not_settled", problem=type(error).__name__, **ids)
            return
        log.info(
            "webhook_attempted",
            outcome=outcome,
            status=answer.status,
            state=verdict.state if verdict else "not ours",
            disabled=verdict.disabled if verdict else None,
            **ids,
        )

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._under_way.pop(task, None)
        self._is_woken.set()

    def _heard(self) -> set[UUID]:
        # Also while nobody has a webhook there is something to subscribe to.
        return {EVERYBODY, *self._owners}

    def _on_knock(self, user_id: UUID, position: int) -> None:
        del user_id, position
        self._is_woken.set()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._options.look_seconds):
                await self._is_woken.wait()
        except TimeoutError:
            return

    async def _take_leave(self) -> None:
        if self._under_way:
            _, late = await asyncio.wait(list(self._under_way), timeout=FAREWELL_SECONDS)
            await end(late)


@asynccontextmanager
async def dispatching(settings: Settings, options: WebhookOptions) -> AsyncIterator[None]:
    """A dispatcher that sends over the real network, for as long as the block lasts."""
    # At its level DEBUG it tells of addresses and headers.
    logging.getLogger("httpcore").setLevel(logging.WARNING)
    resolver = Resolver(2 * options.at_once)
    sender = Sender(resolver, options.rules, timeout_seconds=options.timeout_seconds)
    dispatcher = Dispatcher(
        settings.need("postgres_url"),
        settings.need("redis_url"),
        settings.need("data_key"),
        options,
        sender.send,
    )
    try:
        async with dispatcher.running():
            yield
    finally:
        resolver.close()
