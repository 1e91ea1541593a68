"""`/api/v1/predictions`: energy and mood, now, and had something been otherwise."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from serving.auth.people import Person
from serving.dependencies import CurrentWork, Here, person_of, person_who_may
from serving.etags import UNCHANGED, cacheable_json
from serving.openapi import asking_for, problems
from serving.paths import API, WHAT_IF
from serving.predictions.schemas import PredictionRead
from serving.predictions.what_if import ask_what_if
from serving.predictions.what_if_schemas import ChangeDefinition, WhatIfAsked, WhatIfRead, change_definitions
from serving.resources import Resources
from serving.strict_routes import StrictRoute

router = APIRouter(prefix=f"{API}/predictions", tags=["predictions"], route_class=StrictRoute)
_READ: Final = "predictions:read"
Reader = Annotated[Person, person_who_may(_READ)]
_ANSWER: Final[dict[str, Any]] = {
    "response_model": PredictionRead,
    "responses": UNCHANGED | problems(401, 403, 503),
    "openapi_extra": asking_for(scope=_READ),
}


async def _predicted(request: Request, model: str) -> Response:
    person = await person_of(request, _READ)
    here: Resources = request.app.state.resources
    return cacheable_json(await here.forecaster.predict(person, model), request)


@router.get("/energy", **_ANSWER)
async def predict_energy(request: Request) -> Response:
    """Your energy, 0 to 10, if you were asked now."""
    return await _predicted(request, "energy")


@router.get("/mood", **_ANSWER)
async def predict_mood(request: Request) -> Response:
    """Your mood in five classes, if you were asked now."""
    return await _predicted(request, "mood")


@router.post(
    WHAT_IF.removeprefix(router.prefix),
    response_model=WhatIfRead,
    responses=problems(401, 403, 409, 422, 503),
)
async def predict_what_if(
    asked: WhatIfAsked, person: Reader, work: CurrentWork, here: Here, response: Response
) -> WhatIfRead:
    """What the model says of your day now, and of the same day with something changed.

    The difference is an association: what went along with such days in the people that the model learned from.
    It is not what the change would do. Outside what you and they have had it is refused. Nothing is stored.
    """
    here.flags.check_on("what-if", person)
    response.headers["Cache-Control"] = "no-store"
    return await ask_what_if(here, work, person, asked)


@router.get("/what-if/changes", response_model=list[ChangeDefinition], responses=problems())
async def read_what_if_changes(response: Response) -> list[ChangeDefinition]:
    """What a what-if can change, and within which bounds for anybody."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return change_definitions()
