"""Nights in Python, from the events as they were told: what the SQL of nights has to find as well."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from uuid import UUID

from aurora.events.acceptance import AcceptedEvent
from aurora.events.reconciliation import outranked
from aurora.scores.bedtime import USUAL_BEDTIME_DAYS, deviation_minutes, minutes_after_noon
from aurora.scores.regularity import Night, same_state_percent
from tests.pipelines.transformation.lives import Received

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class ToldNight:
    """The parts of a night in order, of two records of one sleep only one, and the nights before it."""

    local_date: date
    parts: list[AcceptedEvent]
    others: dict[date, ToldNight]
    """All nights of the person."""

    def sum_of(self, field: str) -> float | None:
        values = [part.payload.get(field) for part in self.parts]
        return None if None in values else sum(value for value in values if value is not None)

    @property
    def bedtime(self) -> float | None:
        known = [part.local_started_at for part in self.parts if part.precision == "instant"]
        return minutes_after_noon(min(known)) if known else None

    @property
    def bedtime_deviation_minutes(self) -> float | None:
        days = [self.local_date - _DAY * ago for ago in range(1, USUAL_BEDTIME_DAYS + 1)]
        bedtimes = [self.others[day].bedtime for day in days if day in self.others]
        earlier = [bedtime for bedtime in bedtimes if bedtime is not None]
        return None if self.bedtime is None else deviation_minutes(self.bedtime, earlier)

    @property
    def on_the_clock(self) -> Night | None:
        spans: list[tuple[datetime, datetime]] = []
        for part in self.parts:
            ended = part.local_ended_at
            if part.precision == "day" or ended is None or ended <= part.local_started_at:
                return None
            spans.append((part.local_started_at, ended))
        return Night(self.local_date, spans)

    @property
    def same_state_percent(self) -> float | None:
        before = self.others.get(self.local_date - _DAY)
        if before is None or before.on_the_clock is None or self.on_the_clock is None:
            return None
        return same_state_percent(self.on_the_clock, before.on_the_clock)


def told_nights(received: Iterable[Received]) -> dict[UUID, dict[date, ToldNight]]:
    """Person → the local day that a night ended on → the night, as it counts when all has been received."""
    newest: dict[tuple[UUID, UUID], AcceptedEvent] = {}
    for item in received:
        event = item.accepted()
        key = (event.user_id, event.event_id)
        if key not in newest or event.version > newest[key].version:
            newest[key] = event
    sleeps: dict[UUID, list[AcceptedEvent]] = defaultdict(list)
    for event in newest.values():
        if event.type == "sleep.recorded" and not event.is_deleted:
            sleeps[event.user_id].append(event)
    return {user_id: _nights(events) for user_id, events in sleeps.items()}


def _nights(sleeps: list[AcceptedEvent]) -> dict[date, ToldNight]:
    hidden = outranked(sleeps)
    counted = [event for event in sleeps if event.event_id not in hidden and not event.payload.get("is_nap")]
    nights: dict[date, ToldNight] = {}
    for day, of_day in groupby(sorted(counted, key=_by_time), key=lambda event: event.local_date):
        nights[day] = ToldNight(day, _parts(of_day), nights)
    return nights


def _by_time(event: AcceptedEvent) -> tuple[date, datetime, UUID]:
    return event.local_date, event.started_at, event.event_id


def _parts(in_order: Iterable[AcceptedEvent]) -> list[AcceptedEvent]:
    """Records that overlap tell of one sleep: of them the best."""
    clusters: list[list[AcceptedEvent]] = []
    until: datetime | None = None
    for event in in_order:
        ended_at = event.ended_at or event.started_at
        if until is None or event.started_at >= until:
            clusters.append([])
        clusters[-1].append(event)
        until = ended_at if until is None else max(until, ended_at)
    return [min(cluster, key=_rank) for cluster in clusters]


def _rank(event: AcceptedEvent) -> tuple[bool, int, float, UUID]:
    stages = sum(event.payload.get(f"{name}_minutes") is not None for name in ("deep", "rem", "awake"))
    return event.modality != "sensed", -stages, -event.payload["asleep_minutes"], event.event_id
