"""Reconciliation: which of two reports counts when two sources tell of the same night or workout.

An event is outranked while a living event of the same person, type and local day, from another source and
ranked higher, overlaps at least half of the shorter of the two. An outranked event stays in the log, in raw
views and in the archive; features, scores and nights leave it out. Outranked events outrank too: what counts
does not depend on the order of arrival, and when the higher one is deleted the lower one counts again.

The rule has two readings side by side: SQL for the warehouse, Python for the live state and the API.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

from aurora.events.catalogue import EVENT_TYPES

RECONCILED: Final = {kind.name: kind for kind in EVENT_TYPES.values() if kind.is_reconciled}
"""The types of which a person has one at a time, by name."""

AGGREGATORS: Final = ("apple-health", "google-fit", "health-connect", "samsung-health")
"""Sources (`source.name`) that pass on what others recorded: the maker's own record goes before their copy."""


class Report(Protocol):
    """What the rule needs of an event. Without an end it ends where it started."""

    @property
    def event_id(self) -> UUID: ...
    @property
    def type(self) -> str: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def ended_at(self) -> datetime | None: ...
    @property
    def local_date(self) -> date: ...
    @property
    def precision(self) -> str: ...
    @property
    def source_name(self) -> str: ...
    @property
    def source_device(self) -> str | None: ...
    @property
    def modality(self) -> str: ...
    @property
    def payload(self) -> Mapping[str, Any]: ...


def outranked(reports: Collection[Report]) -> dict[UUID, UUID]:
    """Each outranked event of one person → the highest of those that outrank it. All are alive at one time."""
    found: dict[UUID, UUID] = {}
    for group in _of_one_kind(reports):
        if len({(report.source_name, report.source_device or "") for report in group}) == 1:
            continue
        ranked = sorted(group, key=_rank)
        for place, report in enumerate(ranked):
            higher = next((rival for rival in ranked[:place] if _tell_of_one(rival, report)), None)
            if higher is not None:
                found[report.event_id] = higher.event_id
    return found


def _of_one_kind(reports: Iterable[Report]) -> Iterable[list[Report]]:
    """The reports that may tell of one event: of one type and day, and with equal flags. Single ones left out."""
    groups: dict[tuple[Any, ...], list[Report]] = defaultdict(list)
    for report in reports:
        kind = RECONCILED.get(report.type)
        if kind is not None:
            flags = (bool(report.payload.get(flag)) for flag in kind.kept_apart_by)
            groups[report.type, report.local_date, *flags].append(report)
    return (group for group in groups.values() if len(group) > 1)


def _rank(report: Report) -> tuple[bool, bool, int, timedelta, UUID]:
    """What sorts first counts: measured, at first hand, saying more, lasting longer, the lower id."""
    return (
        report.modality != "sensed",
        report.source_name in AGGREGATORS,
        -len(report.payload),
        -_length(report),
        report.event_id,
    )


def _tell_of_one(one: Report, other: Report) -> bool:
    """Two sources, and half of the shorter span in common. A bare date spans its day."""
    if (one.source_name, one.source_device or "") == (other.source_name, other.source_device or ""):
        return False
    if "day" in {one.precision, other.precision}:
        return True
    common = min(_end(one), _end(other)) - max(one.started_at, other.started_at)
    return 2 * common >= min(_length(one), _length(other))


def _end(report: Report) -> datetime:
    return report.ended_at or report.started_at


def _length(report: Report) -> timedelta:
    return _end(report) - report.started_at


def apart_sql() -> str:
    """The flags that must be equal, as one text, of an event with `type` and `payload`."""
    cases = " ".join(
        f"when '{kind.name}' then concat({', '.join(_flag_sql(flag) for flag in kind.kept_apart_by)})"
        for kind in RECONCILED.values()
        if kind.kept_apart_by
    )
    return f"case type {cases} else '' end"


def _flag_sql(flag: str) -> str:
    return f"coalesce((payload ->> '{flag}')::boolean, false)"


def rank_sql() -> dict[str, str]:
    """The parts of a rank, name → SQL of an event with `ended_at` (or null); compared in order, lower counts."""
    aggregators = ", ".join(f"'{name}'" for name in AGGREGATORS)
    return {
        "rank_remembered": "(modality <> 'sensed')::integer",
        "rank_copied": f"(source_name in ({aggregators}))::integer",
        "rank_silent": "-(select count(*) from jsonb_object_keys(payload))",
        "rank_short": "-(coalesce(ended_at, started_at) - started_at)",
        "event_id": "event_id",
    }


def tell_of_one_sql(one: str, other: str) -> str:
    """Whether two reports of one kind tell of one event. Both have `ended_at` filled and `source_device` not null."""
    common = f"least({one}.ended_at, {other}.ended_at) - greatest({one}.started_at, {other}.started_at)"
    lengths = ", ".join(f"{name}.ended_at - {name}.started_at" for name in (one, other))
    return (
        f"({one}.source_name, {one}.source_device) <> ({other}.source_name, {other}.source_device)\n"
        f"and ('day' in ({one}.precision, {other}.precision) or 2 * ({common}) >= least({lengths}))"
    )
