"""`/api/v1/event-types`: every kind of event that is understood, with the JSON Schema of its payload."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import Response
from pydantic import BaseModel, Field

from aurora.events.catalogue import EVENT_TYPES, EventType, event_type
from serving.openapi import problems
from serving.paths import API
from serving.strict_routes import StrictRoute

router = APIRouter(prefix=f"{API}/event-types", tags=["event-types"], route_class=StrictRoute)
_CACHED = {"Cache-Control": "public, max-age=300"}


class MeasureRead(BaseModel):
    """One number that is read from events of a type, and how it is summed up over a day."""

    name: str = Field(examples=["energy"])
    unit: str = Field(examples=["points"])
    aggregate: str = Field(examples=["mean"])
    description: str = Field(examples=["Energy rating, 0–10"])


class EventTypeRead(BaseModel):
    """One kind of event."""

    name: str = Field(examples=["energy.rated"])
    description: str = Field(examples=["How much energy the person has, 0 to 10."])
    schema_version: int = Field(examples=[1])
    payload_schema: dict[str, Any] = Field(
        description="JSON Schema of `payload`, with units and ranges",
        examples=[event_type("energy.rated").json_schema],
    )
    measures: list[MeasureRead]


def _read(kind: EventType) -> EventTypeRead:
    return EventTypeRead(
        name=kind.name,
        description=kind.description,
        schema_version=kind.schema_version,
        payload_schema=kind.json_schema,
        measures=[
            MeasureRead(
                name=measure.name,
                unit=measure.unit,
                aggregate=measure.aggregate,
                description=measure.description,
            )
            for measure in kind.measures
        ],
    )


@router.get("", response_model=list[EventTypeRead], responses=problems())
async def read_event_types(response: Response) -> list[EventTypeRead]:
    """The whole catalogue."""
    response.headers.update(_CACHED)
    return [_read(kind) for kind in EVENT_TYPES.values()]


@router.get("/{name}", response_model=EventTypeRead, responses=problems(404, 422))
async def read_event_type(
    name: Annotated[str, Path(examples=["energy.rated"])], response: Response
) -> EventTypeRead:
    """One kind of event."""
    response.headers.update(_CACHED)
    return _read(event_type(name))
