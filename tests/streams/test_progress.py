from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from streams.progress import ConsumerMuteError, Progress, watch
from tests.streams.conftest import Life

SOON = timedelta(seconds=0.2)


async def in_flight(life: Life) -> None:
    ada = await life.somebody()
    await life.happens(ada)
    await life.execute("update raw.outbox set published_at = now() - interval '1 minute'")


async def test_a_consumer_that_takes_nothing_of_what_waits_is_mute(life: Life) -> None:
    await in_flight(life)
    with pytest.raises(ConsumerMuteError, match="1 messages"):
        await asyncio.wait_for(watch(life.pool, Progress(), patience=SOON, every_seconds=0.05), 5)


async def test_a_consumer_without_anything_to_take_is_not_mute(life: Life) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(watch(life.pool, Progress(), patience=SOON, every_seconds=0.05), 0.6)


async def test_a_consumer_that_waits_for_a_service_is_not_mute(life: Life) -> None:
    await in_flight(life)
    progress = Progress()
    watching = asyncio.create_task(watch(life.pool, progress, patience=SOON, every_seconds=0.05))
    for _ in range(8):
        await asyncio.sleep(0.1)
        progress.note()

    assert not watching.done()
    watching.cancel()
