"""The process: relay, Faust worker, watchdog and model listener in one event loop, from start to end.

The first of them that fails ends all; the supervisor then starts the process anew.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, Final

import faust
import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from aurora.collecting import spare_the_garbage_collector
from aurora.database.connections import pool
from aurora.errors import AuroraError
from aurora.predictions.champions import Champions
from aurora.settings import Settings
from streams.app import create_app
from streams.events.relay import Relay
from streams.features.agents import MessageHandler, register_agents
from streams.features.refresher import Refresher
from streams.progress import Progress, watch
from streams.readiness import wait_for_services

log = structlog.get_logger(__name__)

PATIENCE_WITH_CONSUMER: Final = timedelta(seconds=45)
"""Longer than a rebalance after kill -9 takes."""

STOP_SECONDS: Final = 4.0
REDIS_SECONDS: Final = 5.0


class WorkerCrashedError(AuroraError):
    def __init__(self, reason: BaseException | None) -> None:
        super().__init__(f"the Faust worker has ended ({reason!r})")


async def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT. Raises what went wrong when it cannot start or go on."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    redis = connect_redis(settings.need("redis_url"))
    try:
        if await _first_of(stopped, [wait_for_services(settings, redis)]):
            await _work(settings, redis, stopped)
    finally:
        await redis.aclose()


def connect_redis(url: str) -> Redis:
    """Redis for the streams: no retries inside, whoever asks has its own."""
    return Redis.from_url(
        url,
        socket_connect_timeout=REDIS_SECONDS,
        socket_timeout=REDIS_SECONDS,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=15,
    )


async def _work(settings: Settings, redis: Redis, stopped: asyncio.Event) -> None:
    postgres_url = settings.need("postgres_url")
    progress = Progress()
    champions = Champions(postgres_url, threads=settings.threads)
    async with pool(postgres_url, settings.postgres_pool_size) as connections:
        app = create_app(settings)
        refresher = Refresher(connections, redis, champions)
        register_agents(app, MessageHandler(refresher, connections, progress))
        spare_the_garbage_collector()
        try:
            await _first_of(
                stopped,
                [
                    _consume(app),
                    Relay(postgres_url, settings.need("kafka_bootstrap")).run(),
                    champions.listen(),
                    watch(connections, progress, patience=PATIENCE_WITH_CONSUMER),
                ],
            )
        finally:
            await _stop(app)
    log.info("streams_stopped")


async def _consume(app: faust.App) -> None:
    """Run the Faust worker, which should not end by itself."""
    app.finalize()
    await app.start()
    log.info("streams_started")
    await app.wait_until_stopped()
    raise WorkerCrashedError(app.crash_reason)


async def _stop(app: faust.App) -> None:
    """End the Faust worker, within its time also when the broker does not answer any more."""
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await app.stop()
    except TimeoutError:
        log.warning("streams_left_in_a_hurry")


async def _first_of(stopped: asyncio.Event, jobs: list[Coroutine[Any, Any, None]]) -> bool:
    """Run the jobs until one ends, or until the process shall stop; whether it may go on.

    What a job raised is raised here.
    """
    signalled = asyncio.create_task(stopped.wait())
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        await asyncio.wait([signalled, *tasks], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (signalled, *tasks):
            if not task.done():
                task.cancel()
        # A task of Faust's may not heed; the process does not wait for it.
        await asyncio.wait([signalled, *tasks], timeout=1)
    for task in tasks:
        if task.done() and not task.cancelled() and (error := task.exception()) is not None:
            raise error
    return not stopped.is_set()
