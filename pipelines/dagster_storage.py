"""How a run writes to Dagster's storage."""

from __future__ import annotations

from functools import cache
from typing import Final
from weakref import WeakSet

import dagster as dg
from dagster._core.storage.event_log import SqlEventLogStorage

PLANNED_AT_ONCE: Final = "500"
"""What a run is going to make is told in one statement for so many assets and checks: in the environment, as Dagster
reads it (DAGSTER_EVENT_BATCH_SIZE)."""

_STATEMENT_TIMEOUT_MS: Final = 60_000
_KEPT_FOR_S: Final = 3600
_KEEPING: Final[WeakSet[dg.DagsterInstance]] = WeakSet()


def keep_connections(instance: dg.DagsterInstance) -> None:
    """Let this process keep its connections to Dagster's storage, as the web server does.

    Dagster opens one for each query otherwise: some 1,600 in a build of the warehouse, at 5 ms each. Storage without a
    server does not care. Whoever asks again keeps what is open: a run in one process asks in several of its assets.

    And let it ask once which tables its storage has: for each asset that was made it asks whether there is one of tags,
    over one more connection than are kept.
    """
    if instance in _KEEPING:
        return
    _KEEPING.add(instance)
    instance.optimize_for_webserver(
        statement_timeout=_STATEMENT_TIMEOUT_MS, pool_recycle=_KEPT_FOR_S, max_overflow=2
    )
    events = instance.event_log_storage
    if isinstance(events, SqlEventLogStorage):
        events.has_table = cache(events.has_table)
