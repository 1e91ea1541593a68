"""`/api/v1/scores`: the daily scores of a person, newest and over time."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from aurora import clock
from aurora.scores.catalogue import SCORES, score_spec
from aurora.scores.specification import ScoreSpec
from serving.auth.people import Person
from serving.dependencies import Reading, person_alone_who_may
from serving.errors import ParameterInvalidError
from serving.openapi import problems
from serving.pagination import NAME
from serving.parameters import Day
from serving.paths import API
from serving.scores.schemas import FactorDefinition, ScoreDefinition, ScoreRead, SourceRead
from serving.scores.warehouse import latest_scores, score_history

router = APIRouter(prefix=f"{API}/scores", tags=["scores"])
Reader = Annotated[Person, person_alone_who_may("scores:read")]
DEFAULT_DAYS = 28
MAX_DAYS = 366
MAX_SCORES = 5_000


@router.get("/definitions", response_model=list[ScoreDefinition], responses=problems())
async def read_score_definitions(response: Response) -> list[ScoreDefinition]:
    """What each score means and where its formula comes from."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return [_definition(spec) for spec in SCORES.values()]


@router.get("", response_model=list[ScoreRead], responses=problems(401, 403, 503))
async def read_latest_scores(person: Reader, connection: Reading) -> list[ScoreRead]:
    """The newest value of each of your scores. Empty before the first nightly build."""
    return await latest_scores(connection, person.user_id)


@router.get("/history", response_model=list[ScoreRead], responses=problems(401, 403, 404, 422, 503))
async def read_score_history(
    person: Reader,
    connection: Reading,
    name: Annotated[str | None, Query(max_length=100, pattern=NAME, examples=["sleep"])] = None,
    first: Annotated[Day | None, Query(alias="from", description="First local day")] = None,
    last: Annotated[Day | None, Query(alias="to", description="Last local day, today by default")] = None,
) -> list[ScoreRead]:
    """Your scores by local day, newest first: 28 days unless you say otherwise, at most 366 at once."""
    if name is not None:
        score_spec(name)  # a name that is not in the catalogue is a 404, not an empty list
    last = last or clock.local_date(clock.now(), person.tz)
    first = first or date.fromordinal(max(1, last.toordinal() - DEFAULT_DAYS + 1))
    if not timedelta() <= last - first < timedelta(days=MAX_DAYS):
        raise ParameterInvalidError(f"`from` lies before `to`, and both are at most {MAX_DAYS} days apart")
    return await score_history(connection, person.user_id, first, last, name, MAX_SCORES)


def _definition(spec: ScoreSpec) -> ScoreDefinition:
    return ScoreDefinition(
        name=spec.name,
        version=spec.version,
        description=spec.description,
        is_relative=spec.is_relative,
        factors=[
            FactorDefinition(name=factor.name, unit=factor.unit, goal=factor.goal, weight=factor.weight)
            for factor in spec.factors
        ],
        sources=[SourceRead(text=source.text, url=source.url) for source in spec.sources],
    )
