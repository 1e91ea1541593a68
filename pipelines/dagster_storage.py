"""How a run writes to Dagster's storage."""

from __future__ import annotations

from typing import Final

import dagster as dg

PLANNED_AT_ONCE: Final = "500"
"""What a run is going to make is told in one statement for so many assets and checks: in the environment, as Dagster
reads it (DAGSTER_EVENT_BATCH_SIZE)."""

_STATEMENT_TIMEOUT_MS: Final = 60_000
_KEPT_FOR_S: Final = 3600


def keep_connections(instance: dg.DagsterInstance) -> None:
    """Let this process keep its connections to Dagster's storage, as the web server does.

    Dagster opens one for each query otherwise: some 1,500 in a build of the warehouse, at 8 ms for the password alone.
    Storage without a server does not care.
    """
    instance.optimize_for_webserver(
        statement_timeout=_STATEMENT_TIMEOUT_MS, pool_recycle=_KEPT_FOR_S, max_overflow=2
    )
