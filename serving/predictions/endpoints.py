"""`/api/v1/predictions`: energy and mood, now, and had something been otherwise."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from serving.dependencies import CurrentPerson, CurrentWork, Here
from serving.etags import UNCHANGED, cacheable
from serving.openapi import problems
from serving.paths import API
from serving.predictions.schemas import PredictionRead
from serving.predictions.what_if import ask_what_if
from serving.predictions.what_if_schemas import ChangeDefinition, WhatIfAsked, WhatIfRead, change_definitions

router = APIRouter(prefix=f"{API}/predictions", tags=["predictions"])


@router.get("/energy", response_model=PredictionRead, responses=UNCHANGED | problems(401, 503))
async def predict_energy(person: CurrentPerson, work: CurrentWork, here: Here, request: Request) -> Response:
    """Your energy, 0 to 10, if you were asked now."""
    return cacheable(await here.forecaster.predict(work, person, "energy"), request)


@router.get("/mood", response_model=PredictionRead, responses=UNCHANGED | problems(401, 503))
async def predict_mood(person: CurrentPerson, work: CurrentWork, here: Here, request: Request) -> Response:
    """Your mood in five classes, if you were asked now."""
    return cacheable(await here.forecaster.predict(work, person, "mood"), request)


@router.post("/what-if", response_model=WhatIfRead, responses=problems(401, 409, 422, 503))
async def predict_what_if(
    asked: WhatIfAsked, person: CurrentPerson, work: CurrentWork, here: Here, response: Response
) -> WhatIfRead:
    """What the model says of your day now, and of the same day with something changed.

    The difference is an association: what went along with such days in the people that the model learned from.
    It is not what the change would do. Outside what you and they have had it is refused. Nothing is stored.
    """
    response.headers["Cache-Control"] = "no-store"
    return await ask_what_if(here, work, person, asked)


@router.get("/what-if/changes", response_model=list[ChangeDefinition], responses=problems())
async def read_what_if_changes(response: Response) -> list[ChangeDefinition]:
    """What a what-if can change, and within which bounds for anybody."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return change_definitions()
