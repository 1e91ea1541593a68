"""Checks on what ingestion wrote. Each is named by the sentence that is true when it passes."""

from __future__ import annotations

from typing import Any, Final, LiteralString

import dagster as dg

from aurora.events.acceptance import CLOCK_SKEW
from pipelines.ingestion.assets import EVENTS, IMPORT_ROWS
from pipelines.quality import ERROR, WARN, promise
from pipelines.resources import PostgresResource

MAX_REJECTED_SHARE: Final = 0.05

_REPEATED_VERSIONS: Final = """
select count(*) from (
    select 1 from raw.events group by user_id, event_id, version having count(*) > 1
) as repeated
"""

_WITHOUT_KEY: Final = """
select count(*)
from raw.events as events
left join raw.event_keys as event_keys using (user_id, event_id, version)
where event_keys.event_id is null
"""

# An appointment may lie ahead. Everything else has happened by the time it is received.
_FUTURE: Final = """
select count(*)
from raw.events
where type <> 'calendar.scheduled' and coalesce(ended_at, started_at) > received_at + %s
"""

_REJECTED_SHARE: Final = """
select
    coalesce(sum(rejected), 0),
    coalesce(sum(accepted + duplicate + superseded + conflict + rejected), 0)
from raw.import_batches
where state = 'done' and finished_at > now() - interval '7 days'
"""

_STUCK: Final = """
select count(*)
from raw.import_batches
where state in ('copying', 'storing') and started_at < now() - interval '1 day'
"""


_LOG_IS_BROKEN: Final = (
    "Nothing is built from such a log. Look at the rows with the query in pipelines/ingestion/checks.py and at who "
    "wrote them: all writers go through aurora/events/storage.py, which keeps this within one transaction."
)


@dg.asset_check(asset=EVENTS, blocking=True, metadata=promise(ERROR, _LOG_IS_BROKEN))
def event_versions_are_unique(postgres: PostgresResource) -> dg.AssetCheckResult:
    """A version of an event is in the log once: partitions by month cannot promise it by themselves."""
    return _none(postgres, _REPEATED_VERSIONS, "repeated versions")


@dg.asset_check(asset=EVENTS, blocking=True, metadata=promise(ERROR, _LOG_IS_BROKEN))
def every_event_has_its_key(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Events and keys are written in one transaction: no event is without its key."""
    return _none(postgres, _WITHOUT_KEY, "events without key")


@dg.asset_check(asset=EVENTS, blocking=True, metadata=promise(ERROR, _LOG_IS_BROKEN))
def no_event_lies_in_the_future(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Nothing had happened later than it was received, but for the skew that a device's clock may have."""
    return _none(postgres, _FUTURE, "events from the future", (CLOCK_SKEW,))


@dg.asset_check(
    asset=EVENTS,
    metadata=promise(WARN, "`aurora dead-letters` says which reasons; mend the mapping and replay them."),
)
def rejected_share_is_low(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Of the events of the last 7 days' imports, at most 5 % were rejected."""
    with postgres.connect() as connection:
        row = connection.execute(_REJECTED_SHARE).fetchone()
    rejected, judged = map(int, row or (0, 0))
    share = rejected / judged if judged else 0.0
    return dg.AssetCheckResult(
        passed=share <= MAX_REJECTED_SHARE,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"rejected": rejected, "judged": judged, "share": share},
    )


@dg.asset_check(
    asset=IMPORT_ROWS,
    metadata=promise(WARN, "Import the same file again: it goes on where it was stopped."),
)
def no_import_is_stuck(postgres: PostgresResource) -> dg.AssetCheckResult:
    """No import has been under way for more than a day: one that was killed waits to be run again."""
    return _none(postgres, _STUCK, "imports under way", severity=dg.AssetCheckSeverity.WARN)


def _none(
    postgres: PostgresResource,
    query: LiteralString,
    what: str,
    arguments: tuple[Any, ...] = (),
    *,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
) -> dg.AssetCheckResult:
    with postgres.connect() as connection:
        row = connection.execute(query, arguments).fetchone()
    count = int(row[0]) if row else 0
    return dg.AssetCheckResult(passed=count == 0, severity=severity, metadata={what: count})


INGESTION_CHECKS: Final = [
    event_versions_are_unique,
    every_event_has_its_key,
    no_event_lies_in_the_future,
    rejected_share_is_low,
    no_import_is_stuck,
]
