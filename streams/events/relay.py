"""The relay: from the outbox in Postgres to Kafka. It may repeat a message, it never loses one.

It takes unpublished rows, never "id > last": the order of ids is not the order of commits. A row counts as
published when the broker has acknowledged it; a row that was published and had no effect for long is sent
again, so a wiped broker heals by itself. No transaction is open while the broker is waited for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import psycopg
import stamina
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from aurora.telemetry import OUTBOX_PENDING
from streams.events.messages import to_message
from streams.events.outbox import (
    Connection,
    OutboxRow,
    count_in_flight,
    give_up_in_flight,
    mark_published,
    read_backlog,
    read_due,
    take_lock,
)
from streams.metrics import IN_FLIGHT, OLDEST_PENDING, RELAYED

log = structlog.get_logger(__name__)

AWAY: Final = (psycopg.OperationalError, psycopg.InterfaceError, KafkaError, OSError, TimeoutError)
"""What it means that Postgres or the broker cannot be reached: worth another try."""


@dataclass(frozen=True)
class RelayOptions:
    batch: int = 500
    most_in_flight: int = 10_000
    """The embedded broker keeps 5 MB a partition: never hand it more than it can hold."""
    poll_seconds: float = 1.0
    ack_seconds: float = 10.0
    resend_after: timedelta = timedelta(minutes=2)
    standby_seconds: float = 2.0


class Relay:
    """Publishes what is due, for ever. Of several relays one works and the others stand by."""

    def __init__(self, postgres_url: str, bootstrap: str, options: RelayOptions | None = None) -> None:
        self._postgres_url = postgres_url
        self._bootstrap = bootstrap
        self._options = options or RelayOptions()
        self._in_flight = 0
        """At most so many messages are in flight: what there were when last counted, and those sent since."""

    async def run(self) -> None:
        """Work until cancelled; come back after Postgres or the broker was away."""
        while True:
            try:
                async with self._connected() as (connection, producer):
                    await self._work(connection, producer)
            except AWAY as error:
                log.warning("relay_interrupted", problem=type(error).__name__)
                await asyncio.sleep(0.2)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[Connection, AIOKafkaProducer]]:
        producer: AIOKafkaProducer | None = None
        connection: Connection | None = None
        try:
            async for attempt in stamina.retry_context(
                on=AWAY, attempts=None, timeout=None, wait_initial=0.1, wait_max=5.0, wait_jitter=0.5
            ):
                with attempt:
                    if connection is None or connection.closed:
                        connection = await self._connect()
                    producer = self._new_producer()
                    await producer.start()
            if connection is None or producer is None:
                raise RuntimeError("a retry without an end has ended")
            yield connection, producer
        finally:
            if producer is not None:
                await _stop(producer, self._options.ack_seconds)
            if connection is not None:
                await connection.close()

    async def _connect(self) -> Connection:
        """The relay's one connection: lock, notifications and statements all share its fate."""
        return await psycopg.AsyncConnection.connect(
            self._postgres_url, autocommit=True, connect_timeout=5, application_name="aurora relay"
        )

    def _new_producer(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            client_id="aurora-relay",
            acks="all",
            enable_idempotence=True,
            request_timeout_ms=int(self._options.ack_seconds * 1000),
        )

    async def _work(self, connection: Connection, producer: AIOKafkaProducer) -> None:
        # A blocking lock would hold a snapshot, and vacuum with it, for as long as the other one lives.
        while not await take_lock(connection):  # noqa: ASYNC110  # nobody in this process could set an event
            await asyncio.sleep(self._options.standby_seconds)
        # Whatever this relay's predecessor left in flight may have died with a broker or a consumer.
        lost = await give_up_in_flight(connection, timedelta())
        log.info("relay_at_work", sent_again=lost)
        self._in_flight = 0
        await connection.execute("listen aurora_outbox")
        looked_at = 0.0
        while True:
            is_more = await self._publish_batch(connection, producer)
            if time.monotonic() - looked_at >= self._options.poll_seconds:
                looked_at = time.monotonic()
                await self._look_after(connection)
            if not is_more:
                async for _ in connection.notifies(timeout=self._options.poll_seconds, stop_after=1):
                    pass

    async def _publish_batch(self, connection: Connection, producer: AIOKafkaProducer) -> bool:
        """Publish what is due, up to a batch; whether there may be more to do at once."""
        most = self._options.most_in_flight
        if self._in_flight + self._options.batch > most:
            self._in_flight = await count_in_flight(connection, most)
        room = most - self._in_flight
        if room <= 0:
            await asyncio.sleep(0.1)
            return True
        rows = await read_due(connection, min(room, self._options.batch))
        if not rows:
            return False
        acknowledged, problem = await self._send(producer, rows)
        if acknowledged:
            await mark_published(connection, acknowledged)
            self._in_flight += len(acknowledged)
            RELAYED.inc(len(acknowledged))
        if problem is not None:
            raise problem
        return len(rows) == self._options.batch

    async def _send(
        self, producer: AIOKafkaProducer, rows: list[OutboxRow]
    ) -> tuple[list[OutboxRow], BaseException | None]:
        """The rows that the broker has acknowledged, and what happened to the first of the others."""
        async with asyncio.timeout(2 * self._options.ack_seconds):
            acks = [
                await producer.send(
                    row.topic,
                    key=str(row.user_id).encode(),
                    value=to_message(row.body, outbox_id=row.outbox_id, position=row.position),
                )
                for row in rows
            ]
            results = await asyncio.gather(*acks, return_exceptions=True)
        acknowledged, problem = [], None
        for row, result in zip(rows, results, strict=True):
            if isinstance(result, BaseException):
                problem = problem or result
            else:
                acknowledged.append(row)
        return acknowledged, problem

    async def _look_after(self, connection: Connection) -> None:
        backlog = await read_backlog(connection)
        OUTBOX_PENDING.set(backlog.pending)
        OLDEST_PENDING.set(backlog.oldest_pending_seconds)
        IN_FLIGHT.set(backlog.in_flight)
        if backlog.oldest_in_flight_seconds > self._options.resend_after.total_seconds():
            lost = await give_up_in_flight(connection, self._options.resend_after)
            log.warning("relay_sends_again", messages=lost)


async def _stop(producer: AIOKafkaProducer, seconds: float) -> None:
    try:
        async with asyncio.timeout(min(seconds, 2.0)):
            await producer.stop()
    except AWAY as error:
        log.info("relay_producer_left", problem=type(error).__name__)
