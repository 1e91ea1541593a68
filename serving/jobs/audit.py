"""The sealing of the audit trail, every minute."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from procrastinate import Blueprint

from aurora.telemetry import TASK_DURATION
from serving.audit.chain import seal_key
from serving.audit.sealing import seal_trail

NAME: Final = "seal_audit"

log = structlog.get_logger(__name__)


def sealing(url: str, system_key: str) -> Blueprint:
    """The periodic task."""
    blueprint = Blueprint()
    key = seal_key(system_key)

    async def run(timestamp: int) -> None:
        del timestamp
        await seal_audit(url, key)

    task = blueprint.task(name=NAME, queueing_lock=NAME)(run)
    blueprint.periodic(cron="* * * * *")(task)  # pyright: ignore[reportArgumentType]  # the stub wants its own Task
    return blueprint


async def seal_audit(url: str, key: bytes) -> int:
    """Seal what waits; returns how many rows that were."""
    with TASK_DURATION.labels(NAME).time():
        seals = await asyncio.to_thread(seal_trail, url, key)
    for seal in seals:
        # Logs are kept elsewhere: with the last head in hand one sees that the end of the chain was cut off.
        log.info("audit_sealed", head=seal.head, rows=len(seal.audit_ids))
    return sum(len(seal.audit_ids) for seal in seals)
