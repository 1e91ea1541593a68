"""`/api/v1/scores`: the daily scores of a person, newest and over time."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import TypeAdapter

from aurora import clock
from aurora.kept_answers import SCORES as SCORES_TAG
from aurora.kept_answers import place_of
from aurora.scores.catalogue import SCORES, score_spec
from aurora.scores.specification import ScoreSpec
from serving.auth.people import Person
from serving.dependencies import Here, person_alone_who_may, person_of
from serving.errors import ParameterInvalidError
from serving.etags import UNCHANGED, cacheable_json
from serving.kept_answers import Wanted, one_of_few
from serving.openapi import asking_for, problems
from serving.pagination import NAME
from serving.parameters import Day
from serving.paths import API
from serving.resources import Resources
from serving.scores.schemas import FactorDefinition, ScoreDefinition, ScoreRead, SourceRead
from serving.scores.warehouse import latest_scores, score_history
from serving.strict_routes import StrictRoute

router = APIRouter(prefix=f"{API}/scores", tags=["scores"], route_class=StrictRoute)
_READ: Final = "scores:read"
Reader = Annotated[Person, person_alone_who_may(_READ)]
_SCORES: Final = TypeAdapter(list[ScoreRead])
DEFAULT_DAYS = 28
MAX_DAYS = 366
MAX_SCORES = 5_000


@router.get("/definitions", response_model=list[ScoreDefinition], responses=problems())
async def read_score_definitions(response: Response) -> list[ScoreDefinition]:
    """What each score means and where its formula comes from."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return [_definition(spec) for spec in SCORES.values()]


@router.get(
    "",
    response_model=list[ScoreRead],
    responses=UNCHANGED | problems(401, 403, 503),
    openapi_extra=asking_for(scope=_READ),
)
async def read_latest_scores(request: Request) -> Response:
    """Each of your scores, of the newest day that says something. Empty before the first nightly build.

    `local_date` is that day. Where no day says anything, it is the newest one, with `UNSCORABLE`.
    """
    person = await person_of(request, _READ)
    here: Resources = request.app.state.resources

    async def make() -> bytes:
        async with here.replica.reading(person.user_id) as connection:
            return _SCORES.dump_json(await latest_scores(connection, person.user_id))

    place = place_of(f"scores:{person.user_id}", SCORES_TAG)
    wanted = Wanted("scores", place, here.options.scores_ttl_seconds)
    return cacheable_json(await here.kept.answer(wanted, make, person), request)


@router.get(
    "/history", response_model=list[ScoreRead], responses=UNCHANGED | problems(401, 403, 404, 422, 503)
)
async def read_score_history(
    person: Reader,
    here: Here,
    request: Request,
    name: Annotated[str | None, Query(max_length=100, pattern=NAME, examples=["sleep"])] = None,
    first: Annotated[Day | None, Query(alias="from", description="First local day")] = None,
    last: Annotated[Day | None, Query(alias="to", description="Last local day, today by default")] = None,
) -> Response:
    """Your scores by local day, newest first: 28 days unless you say otherwise, at most 366 at once."""
    if name is not None:
        score_spec(name)  # a name that is not in the catalogue is a 404, not an empty list
    last = last or clock.local_date(clock.now(), person.tz)
    first = first or date.fromordinal(max(1, last.toordinal() - DEFAULT_DAYS + 1))
    if not timedelta() <= last - first < timedelta(days=MAX_DAYS):
        raise ParameterInvalidError(f"`from` lies before `to`, and both are at most {MAX_DAYS} days apart")
    since, until = first, last

    async def make() -> bytes:
        async with here.replica.reading(person.user_id) as connection:
            scores = await score_history(connection, person.user_id, since, until, name, MAX_SCORES)
        return _SCORES.dump_json(scores)

    place = place_of(f"scores:{person.user_id}:history", SCORES_TAG)
    seconds = here.options.scores_ttl_seconds
    wanted = one_of_few("scores/history", place, seconds, f"{first} {last} {name}")
    return cacheable_json(await here.kept.answer(wanted, make, person), request)


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
