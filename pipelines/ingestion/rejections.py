"""The check on dead letters that goes red when a reason grows: the last day beside the seven days before.

A share, not a count: twice as many events bring twice as many bad ones, and nothing is wrong. Of an import the
events of its files are what was judged, of the API and the streams the live events of the log.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import dagster as dg
import psycopg

from pipelines.quality import ERROR, promise
from pipelines.resources import PostgresResource

REJECTED_EVENTS: Final = dg.AssetKey(["raw", "rejected_events"])

FEWEST: Final = 10
"""Letters of a day: below this nobody is woken up."""
LEAST_SHARE: Final = 0.005
"""Of what was judged in the day: half a percent."""
GROWTH: Final = 2.0
"""So many times the share of the seven days before."""

_COUNTS: Final = """
with

letters as (

    select
        coalesce(batches.mapping, letters.source) as source,
        letters.reason_code,
        count(*) filter (where letters.received_at > %(now)s - interval '1 day') as last_day,
        count(*) filter (where letters.received_at <= %(now)s - interval '1 day') as before
    from raw.rejected_events as letters
    left join raw.import_batches as batches using (batch_id)
    where letters.received_at > %(now)s - interval '8 days' and letters.received_at <= %(now)s
    group by 1, 2

),

imported as (

    select
        mapping as source,
        sum(events) filter (where finished_at > %(now)s - interval '1 day') as last_day,
        sum(events) filter (where finished_at <= %(now)s - interval '1 day') as before
    from (
        select
            mapping,
            coalesce(finished_at, started_at) as finished_at,
            greatest(accepted + duplicate + superseded + conflict + rejected, row_count) as events
        from raw.import_batches
    ) as batches
    where finished_at > %(now)s - interval '8 days' and finished_at <= %(now)s
    group by mapping

),

live as (

    select
        count(*) filter (where received_at > %(now)s - interval '1 day') as last_day,
        count(*) filter (where received_at <= %(now)s - interval '1 day') as before
    from raw.events
    where batch_id is null and received_at > %(now)s - interval '8 days' and received_at <= %(now)s

)

select
    letters.source,
    letters.reason_code,
    letters.last_day,
    coalesce(imported.last_day, live.last_day + letters.last_day, 0)::bigint as judged_last_day,
    letters.before,
    coalesce(imported.before, live.before + letters.before, 0)::bigint as judged_before
from letters
cross join live
left join imported using (source)
order by letters.last_day desc, letters.source, letters.reason_code
"""


@dataclass(frozen=True)
class Trend:
    """Letters of one source and reason: in the last day, and in the seven days before."""

    source: str
    reason_code: str
    last_day: int
    judged_last_day: int
    before: int
    judged_before: int

    @property
    def share(self) -> float:
        return min(1.0, self.last_day / max(self.judged_last_day, self.last_day, 1))

    @property
    def share_before(self) -> float:
        return min(1.0, self.before / max(self.judged_before, self.before, 1))

    @property
    def grows(self) -> bool:
        """Enough of them, a share that matters, and more than before."""
        is_much = self.last_day >= FEWEST and self.share >= LEAST_SHARE
        return is_much and self.share > GROWTH * self.share_before


def read_trends(connection: psycopg.Connection[Any], now: Any) -> list[Trend]:
    """Every source and reason that had letters in the last eight days."""
    return [Trend(*row) for row in connection.execute(_COUNTS, {"now": now}).fetchall()]


@dg.asset_check(
    asset=REJECTED_EVENTS,
    metadata=promise(
        ERROR,
        "A source sends something new, or a mapping changed: `aurora dead-letters show`, mend, replay.",
    ),
)
def no_reason_for_rejection_grows(postgres: PostgresResource) -> dg.AssetCheckResult:
    """No source rejects for one reason a share of its events that is more than twice that of the week before."""
    with postgres.connect() as connection:
        row = connection.execute("select now()").fetchone()
        trends = read_trends(connection, row[0] if row else None)
    growing = [trend for trend in trends if trend.grows]
    return dg.AssetCheckResult(
        passed=not growing,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "growing": ", ".join(f"{trend.source}: {trend.reason_code}" for trend in growing) or "none",
            "reasons": dg.MetadataValue.md(_markdown(trends)),
        },
    )


def _markdown(trends: Iterable[Trend]) -> str:
    lines = ["| source | reason | last day | share | share of the 7 days before |", "|---|---|---|---|---|"]
    lines += [
        f"| {trend.source} | {trend.reason_code} | {trend.last_day:,} | {trend.share:.2%} |"
        f" {trend.share_before:.2%} |"
        for trend in trends
    ]
    return "\n".join(lines)


REJECTION_CHECKS: Final = [no_reason_for_rejection_grows]
