"""The check on how much arrives: each source's last full day beside the same weekday of the weeks before.

The median of those days and their median absolute deviation say what is usual: one odd day moves neither. Only
events that arrived within a week of happening count, so that a history which somebody imports is no anomaly.

What is never judged: a source that is younger than four weeks, one that does not bring events regularly, and one
that has ended. A source that falls silent is told of for three days; after that it has ended, and is only listed.
So is one whose few people may each have stopped of their own accord.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Any, Final

import dagster as dg
import psycopg

from aurora import clock
from pipelines.pictures import bars_by_day
from pipelines.quality import WARN, promise
from pipelines.resources import PostgresResource

EVENTS: Final = dg.AssetKey(["raw", "events"])

WEEKS: Final = 8
FEWEST_WEEKS: Final = 4
FEWEST_EVENTS: Final = 20
"""A day's usual events: below this a source is too small to say anything of."""
FEWEST_PEOPLE: Final = 5
"""Fewer may all have stopped of their own accord."""
SILENT_DAYS: Final = 3
LIMIT: Final = 5.0
"""So many robust standard deviations from the median. Normal days would cross it once in two million."""

_VOLUMES: Final = """
select
    source_name,
    (received_at at time zone 'UTC')::date as day,
    count(*) as events,
    count(distinct user_id) as people
from raw.events
where
    received_at >= %(first)s::date::timestamp at time zone 'UTC'
    and received_at < (%(last)s::date + 1)::timestamp at time zone 'UTC'
    and not is_deleted
    and started_at > received_at - interval '7 days'
group by 1, 2
"""


@dataclass(frozen=True)
class Volume:
    """What one source brought on one day of arrival."""

    source: str
    day: date
    events: int
    people: int


@dataclass(frozen=True)
class Verdict:
    """What is said of one source's day."""

    source: str
    day: date
    events: int
    usual: float
    lowest: float
    highest: float
    state: str
    """`usual`, `too little`, `too much`, or why it is not judged."""

    @property
    def is_odd(self) -> bool:
        return self.state in {"too little", "too much"}

    @property
    def sentence(self) -> str:
        times = f", {self.events / self.usual:.2g} times that" if self.usual else ""
        return f"{self.source}: {self.events:,} events on {self.day:%A}, usually {self.usual:,.0f}{times}"


def read_volumes(connection: psycopg.Connection[Any], last: date) -> list[Volume]:
    """Of every source that brought anything in the weeks up to `last`."""
    first = last - timedelta(days=7 * WEEKS)
    return [Volume(*row) for row in connection.execute(_VOLUMES, {"first": first, "last": last}).fetchall()]


def judge_volumes(volumes: Iterable[Volume], last: date) -> list[Verdict]:
    """What to say of each source's day `last`."""
    by_source: dict[str, dict[date, Volume]] = defaultdict(dict)
    for volume in volumes:
        by_source[volume.source][volume.day] = volume
    return [_judge(source, days, last) for source, days in sorted(by_source.items())]


def _judge(source: str, days: dict[date, Volume], last: date) -> Verdict:
    def events_on(day: date) -> int:
        return days[day].events if day in days else 0

    events = events_on(last)
    weeks = [last - timedelta(weeks=week) for week in range(1, WEEKS + 1)]
    # Before its first day a source brought nothing because it was not there.
    before = [events_on(day) for day in weeks if day >= min(days)]
    usual = median(before) if before else 0.0
    spread = median(abs(count - usual) for count in before) if before else 0.0
    # 1.4826 makes it the standard deviation of a bell curve. Counts scatter by their root at least, and days that
    # are all alike must not make a tenth more an anomaly.
    sigma = max(1.4826 * spread, usual**0.5, 0.1 * usual)
    # However much a source scatters: a twentieth of the usual is too little.
    lowest, highest = max(0.05 * usual, usual - LIMIT * sigma), usual + LIMIT * sigma
    people = max((days[day].people for day in weeks if day in days), default=0)
    silent = (last - max(days)).days

    if len(before) < FEWEST_WEEKS:
        state = "not judged: younger than four weeks"
    elif silent > SILENT_DAYS:
        state = f"ended: silent for {silent} days"
    elif usual < FEWEST_EVENTS or sum(1 for count in before if count) <= len(before) / 2:
        state = "not judged: too few events, or not regularly"
    elif events > highest:
        state = "too much"
    elif events < lowest:
        state = "too little" if people >= FEWEST_PEOPLE else "not judged: so few people may have stopped"
    else:
        state = "usual"
    return Verdict(source, last, events, usual, lowest, highest, state)


@dg.asset_check(
    asset=EVENTS,
    metadata=promise(
        WARN,
        "Too little: is the source's sync or upload failing (dead letters, the source's own status)? "
        "Too much: is one device or key repeating itself? Nothing needs a repair here: what comes late is built.",
    ),
)
def daily_volume_per_source_is_as_usual(postgres: PostgresResource) -> dg.AssetCheckResult:
    """What each source brought on the last full day lies near the median of its same weekdays (8 weeks, MAD)."""
    last = (clock.now() - timedelta(days=1)).date()
    with postgres.connect() as connection:
        volumes = read_volumes(connection, last)
    verdicts = judge_volumes(volumes, last)
    odd = [verdict for verdict in verdicts if verdict.is_odd]
    return dg.AssetCheckResult(
        passed=not odd,
        severity=WARN,
        description="; ".join(verdict.sentence for verdict in odd) or None,
        metadata={
            "day": last.isoformat(),
            "sources judged": sum(1 for verdict in verdicts if verdict.is_odd or verdict.state == "usual"),
            "sources": dg.MetadataValue.md(_markdown(verdicts)),
            "arrivals": _drawn(volumes, last),
        },
    )


def _markdown(verdicts: Sequence[Verdict]) -> str:
    lines = ["| source | events | usually | from | to | |", "|---|--:|--:|--:|--:|---|"]
    lines += [
        f"| {one.source} | {one.events:,} | {one.usual:,.0f} | {one.lowest:,.0f} | {one.highest:,.0f} |"
        f" {one.state} |"
        for one in verdicts
    ]
    return "\n".join(lines)


def _drawn(volumes: Iterable[Volume], last: date) -> dg.MarkdownMetadataValue:
    counts: dict[str, dict[date, int]] = defaultdict(dict)
    for volume in volumes:
        counts[volume.source][volume.day] = volume.events
    days = [last - timedelta(days=7 * WEEKS - 1 - place) for place in range(7 * WEEKS)]
    return bars_by_day(counts, days, "Events by day of arrival and source")


VOLUME_CHECKS: Final = [daily_volume_per_source_is_as_usual]
