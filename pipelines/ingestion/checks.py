"""Checks on what ingestion wrote. Each is named by the sentence that is true when it passes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Final, LiteralString

import dagster as dg

from aurora import clock
from aurora.database.partitions import month_of, next_month
from aurora.events.acceptance import CLOCK_SKEW
from pipelines.ingestion.assets import EVENTS, IMPORT_ROWS
from pipelines.quality import ERROR, WARN, promise
from pipelines.resources import PostgresResource

MAX_REJECTED_SHARE: Final = 0.05

# What the last good build cannot have seen: days that were touched since, to the transaction, and what came in since,
# should somebody write and touch no day. And one month of the log, another every day: all of it in turn, at the cost
# of a month however long history is.
_LOOKED_AT: Final[LiteralString] = """
with looked_at as (
    select user_id, event_id, version, type, started_at, ended_at, received_at
    from raw.events
    where received_at >= %(since)s
    union
    select told.*
    from (select distinct user_id, local_date from raw.unbuilt_days) as days
    cross join lateral (
        select user_id, event_id, version, type, started_at, ended_at, received_at
        from raw.events as events
        where events.user_id = days.user_id and events.local_date = days.local_date
        offset 0
    ) as told
    union
    select user_id, event_id, version, type, started_at, ended_at, received_at
    from raw.events
    where started_at >= %(month)s and started_at < %(next_month)s
)
"""

# Asked for beforehand: of an instant that it does not know Postgres expects a third of the log.
_SINCE: Final = "select started_at from raw.last_good_build"

_MONTHS: Final = """
select to_date(right(relname, 7), 'YYYY_MM')
from pg_inherits inner join pg_class on inhrelid = pg_class.oid
where inhparent = 'raw.events'::regclass and relname ~ '^events_\\d{4}_\\d{2}$'
order by 1
"""

# The key says where its one event begins: a second row of the version begins elsewhere, in another partition.
_REPEATED_VERSIONS: Final = f"""
{_LOOKED_AT}
select count(*)
from looked_at
inner join raw.event_keys as event_keys using (user_id, event_id, version)
where event_keys.started_at <> looked_at.started_at
"""  # noqa: S608  # constants of this module

_WITHOUT_KEY: Final = f"""
{_LOOKED_AT}
select count(*)
from looked_at
left join raw.event_keys as event_keys using (user_id, event_id, version)
where event_keys.event_id is null
"""  # noqa: S608  # constants of this module

# An appointment may lie ahead. Everything else has happened by the time it is received.
_FUTURE: Final = f"""
{_LOOKED_AT}
select count(*)
from looked_at
where type <> 'calendar.scheduled' and coalesce(ended_at, started_at) > received_at + %(skew)s
"""  # noqa: S608  # constants of this module


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
    return _none_in_the_log(postgres, _REPEATED_VERSIONS, "repeated versions")


@dg.asset_check(asset=EVENTS, blocking=True, metadata=promise(ERROR, _LOG_IS_BROKEN))
def every_event_has_its_key(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Events and keys are written in one transaction: no event is without its key."""
    return _none_in_the_log(postgres, _WITHOUT_KEY, "events without key")


@dg.asset_check(asset=EVENTS, blocking=True, metadata=promise(ERROR, _LOG_IS_BROKEN))
def no_event_lies_in_the_future(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Nothing had happened later than it was received, but for the skew that a device's clock may have."""
    return _none_in_the_log(postgres, _FUTURE, "events from the future")


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
    with postgres.connect() as connection:
        row = connection.execute(_STUCK).fetchone()
    stuck = int(row[0]) if row else 0
    return dg.AssetCheckResult(
        passed=stuck == 0, severity=dg.AssetCheckSeverity.WARN, metadata={"imports under way": stuck}
    )


def _none_in_the_log(postgres: PostgresResource, query: LiteralString, what: str) -> dg.AssetCheckResult:
    with postgres.connect() as connection:
        month = month_in_turn(
            [month for (month,) in connection.execute(_MONTHS).fetchall()], clock.now().date()
        )
        since = connection.execute(_SINCE).fetchone()
        row = connection.execute(
            query,
            {
                "since": since[0] if since else datetime(1, 1, 2, tzinfo=UTC),
                "month": datetime(month.year, month.month, 1, tzinfo=UTC),
                "next_month": datetime.combine(next_month(month), time(), tzinfo=UTC),
                "skew": CLOCK_SKEW,
            },
        ).fetchone()
    count = int(row[0]) if row else 0
    return dg.AssetCheckResult(
        passed=count == 0,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={what: count, "looked at beside what is new": f"{month:%Y-%m}"},
    )


def month_in_turn(months: Sequence[date], today: date) -> date:
    """The month of the log whose turn it is; this one where there is none yet."""
    return months[today.toordinal() % len(months)] if months else month_of(today)


INGESTION_CHECKS: Final = [
    event_versions_are_unique,
    every_event_has_its_key,
    no_event_lies_in_the_future,
    rejected_share_is_low,
    no_import_is_stuck,
]
