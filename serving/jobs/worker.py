"""The worker's life: make the tables, take jobs, and begin again when Postgres was away."""

from __future__ import annotations

import asyncio
from typing import Final

import psycopg
import structlog
from procrastinate.exceptions import ConnectorException

from aurora.errors import ServiceUnavailableError
from serving.jobs.postman import Postman
from serving.jobs.queue import ensure_tables, job_queue

log = structlog.get_logger(__name__)

LONGEST_PAUSE_SECONDS: Final = 15.0


async def work(url: str, system_key: str, postman: Postman | None = None) -> None:
    """Take jobs for ever, and have e-mails delivered beside. Returns when the worker was told to stop (SIGTERM)."""
    delivering = asyncio.create_task(postman.deliver(), name="postman") if postman else None
    try:
        await _take_jobs(url, system_key)
    finally:
        if postman and delivering:
            await postman.finish(delivering)


async def _take_jobs(url: str, system_key: str) -> None:
    pause = 0.5
    while True:
        try:
            await asyncio.to_thread(ensure_tables, url)
            app = job_queue(url, system_key)
            async with app.open_async():
                pause = 0.5
                await app.run_worker_async(
                    concurrency=2, delete_jobs="successful", shutdown_graceful_timeout=5
                )
            return
        except (ServiceUnavailableError, ConnectorException, psycopg.OperationalError) as error:
            log.warning("postgres_away", problem=str(error), next_try_seconds=pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
