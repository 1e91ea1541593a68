"""`/api/v1/features`: the definitions, and the live vector of a person."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, Field

from aurora import clock
from aurora.features.catalogue import FEATURE_SETS, FEATURES
from aurora.features.vector import Moment, vector
from serving.auth.people import Person
from serving.dependencies import CurrentWork, Here, person_who_may
from serving.features.live_state import Source, read_live_tiles
from serving.openapi import problems
from serving.paths import API
from serving.strict_routes import StrictRoute

router = APIRouter(prefix=f"{API}/features", tags=["features"], route_class=StrictRoute)


class FeatureDefinition(BaseModel):
    """One feature as it is defined, once, for the warehouse, the live vector and the models."""

    name: str = Field(examples=["avg_sleep_last_7d"])
    domain: str = Field(examples=["sleep"])
    unit: str = Field(examples=["min"])
    description: str = Field(examples=["Sleep a day, naps included."])
    owner: str = Field(examples=["features"])
    version: int = Field(examples=[1])
    used_by: list[str] = Field(examples=[["energy", "mood"]], description="Models that read it")


class FeatureVector(BaseModel):
    """Every feature of a person at one instant. Null means: the person's events do not say."""

    as_of: datetime
    local_date: date = Field(examples=["2026-03-29"])
    tz: str = Field(examples=["Europe/Oslo"])
    source: Source = Field(
        description="live: kept up to date by the streams. log: computed from the log just now"
    )
    features: dict[str, float | None] = Field(examples=[{"avg_sleep_last_7d": 431.5, "hour_of_day": 16.5}])


@router.get("/definitions", response_model=list[FeatureDefinition], responses=problems())
async def read_feature_definitions(response: Response) -> list[FeatureDefinition]:
    """What each feature means."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return [
        FeatureDefinition(
            name=feature.name,
            domain=feature.domain,
            unit=feature.unit,
            description=feature.description,
            owner=feature.owner,
            version=feature.version,
            used_by=[model for model, names in FEATURE_SETS.items() if feature.name in names],
        )
        for feature in FEATURES.values()
    ]


@router.get("/latest", response_model=FeatureVector, responses=problems(401, 403, 503))
async def read_latest_features(
    person: Annotated[Person, person_who_may("features:read")], work: CurrentWork, here: Here
) -> FeatureVector:
    """Your features at this moment."""
    moment = Moment.at(clock.now(), person.tz)
    tiles, source = await read_live_tiles(work.connection, here.redis, person.user_id, moment)
    return FeatureVector(
        as_of=moment.as_of,
        local_date=moment.local_date,
        tz=person.tz,
        source=source,
        features=vector(tiles, moment),
    )
