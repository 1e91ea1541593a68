"""`/api/v1/timeline`: what happened, by the person's own days, straight from the log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from aurora import clock
from aurora.events.reconciliation import outranked
from serving.auth.people import Person
from serving.dependencies import Here, Reading, person_alone_who_may
from serving.errors import ParameterInvalidError
from serving.events.log import read_days
from serving.events.schemas import EventRead
from serving.openapi import problems
from serving.parameters import Day
from serving.paths import API
from serving.strict_routes import StrictRoute

router = APIRouter(prefix=f"{API}/timeline", tags=["timeline"], route_class=StrictRoute)
DEFAULT_DAYS = 7
MAX_DAYS = 31


View = Literal["reconciled", "raw"]


class TimelineEvent(EventRead):
    """One event in its current version, and whether a report of another source goes before it."""

    outranked_by: UUID | None = Field(
        default=None,
        examples=[None],
        description="The event of another source that tells of the same night or workout and goes before this "
        "one, which features and scores then leave out; only in the raw view",
    )


class DayRead(BaseModel):
    """One local day with its events, newest first."""

    local_date: date = Field(examples=["2026-03-29"])
    events: list[TimelineEvent]


class Timeline(BaseModel):
    """Local days that have events, newest first. `next_to` continues into the past."""

    first: date = Field(alias="from", serialization_alias="from", examples=["2026-03-23"])
    last: date = Field(alias="to", serialization_alias="to", examples=["2026-03-29"])
    days: list[DayRead]
    next_to: date = Field(examples=["2026-03-22"], description="Give it as `to` for the days before these")


@router.get("", response_model=Timeline, responses=problems(401, 403, 422, 503))
async def read_timeline(
    person: Annotated[Person, person_alone_who_may("events:read")],
    connection: Reading,
    here: Here,
    first: Annotated[Day | None, Query(alias="from", description="First local day")] = None,
    last: Annotated[Day | None, Query(alias="to", description="Last local day, today by default")] = None,
    view: Annotated[
        View,
        Query(
            description="`reconciled` has one report of a night or workout that several sources tell of, the "
            "one that counts; `raw` has all of them"
        ),
    ] = "reconciled",
) -> Timeline:
    """Your events by local day; a week up to today unless you say otherwise, at most 31 days at once."""
    last = last or clock.local_date(clock.now(), person.tz)
    first = first or date.fromordinal(max(2, last.toordinal() - DEFAULT_DAYS + 1))
    # The first day of the calendar has no day before it to go on with.
    if not timedelta() <= last - first < timedelta(days=MAX_DAYS) or first == date.min:
        raise ParameterInvalidError(f"`from` lies before `to`, and both are at most {MAX_DAYS} days apart")
    events = _viewed(await read_days(connection, person, here.system_key, first, last), view)
    events.sort(key=lambda event: event.local_date, reverse=True)
    days = [
        DayRead(local_date=day, events=list(own))
        for day, own in groupby(events, key=lambda event: event.local_date)
    ]
    return Timeline.model_validate(
        {"from": first, "to": last, "days": days, "next_to": first - timedelta(days=1)}
    )


class _Told(NamedTuple):
    """An event as the rule of reconciliation reads it."""

    event_id: UUID
    type: str
    started_at: datetime
    ended_at: datetime | None
    local_date: date
    precision: str
    source_name: str
    source_device: str | None
    modality: str
    payload: Mapping[str, Any]


def _viewed(events: Iterable[EventRead], view: View) -> list[TimelineEvent]:
    """The events that a view shows. All events of a day are here, so the rule sees every rival."""
    events = list(events)
    higher = outranked([_told(event) for event in events])
    if view == "reconciled":
        events = [event for event in events if event.event_id not in higher]
    return [
        TimelineEvent.model_construct(**dict(event), outranked_by=higher.get(event.event_id))
        for event in events
    ]


def _told(event: EventRead) -> _Told:
    return _Told(
        event.event_id,
        event.type,
        event.started_at,
        event.ended_at,
        event.local_date,
        event.precision,
        event.source.name,
        event.source.device,
        event.source.modality,
        event.payload,
    )
