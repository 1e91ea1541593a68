"""The count of dead letters that wait, as a metric: one look a minute, by source and reason."""

from __future__ import annotations

from typing import Final

import psycopg
from procrastinate import Blueprint

from aurora.telemetry import DEAD_LETTERS, TASK_DURATION

NAME: Final = "count_dead_letters"
_COUNT: Final = """
    select source, reason_code, count(*) from raw.rejected_events
    where replayed_at is null and discarded_at is null
    group by source, reason_code
"""

_told: set[tuple[str, str]] = set()
"""What the metric says something about: when none is left, it has to say so."""


def counting(url: str) -> Blueprint:
    """The periodic task."""
    blueprint = Blueprint()

    async def run(timestamp: int) -> None:
        del timestamp
        await count_dead_letters(url)

    task = blueprint.task(name=NAME, queueing_lock=NAME)(run)
    blueprint.periodic(cron="* * * * *")(task)  # pyright: ignore[reportArgumentType]  # the stub wants its own Task
    return blueprint


async def count_dead_letters(url: str) -> dict[tuple[str, str], int]:
    """Look, and tell the metric."""
    with TASK_DURATION.labels(NAME).time():
        async with await psycopg.AsyncConnection.connect(
            url, autocommit=True, connect_timeout=5
        ) as connection:
            rows = await (await connection.execute(_COUNT)).fetchall()
    counts = {(source, code): count for source, code, count in rows}
    for key in _told - counts.keys():
        DEAD_LETTERS.labels(*key).set(0)
    for key, count in counts.items():
        DEAD_LETTERS.labels(*key).set(count)
    _told.update(counts)
    return counts
