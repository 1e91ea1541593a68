"""`/api/v1/patterns`: what goes along with a person's energy, mood and sleep, from the weekly search."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from aurora.kept_answers import PATTERNS, place_of, tag_of
from aurora.patterns.specification import Kind
from serving.auth.people import Person
from serving.database import Connection
from serving.dependencies import Here, person_alone_who_may
from serving.errors import CursorInvalidError
from serving.etags import UNCHANGED, cacheable_json
from serving.kept_answers import one_of_few
from serving.openapi import problems
from serving.pagination import Limit, cursor_query, decode_cursor, encode_cursor
from serving.parameters import Day
from serving.paths import API
from serving.patterns.schemas import PatternPage
from serving.patterns.storage import Asked, read_patterns, read_search
from serving.strict_routes import StrictRoute

router = APIRouter(prefix=f"{API}/patterns", tags=["patterns"], route_class=StrictRoute)
_BEST: Final = "place"
_LARGEST_PLACE = 2**31 - 1

OutcomeName = Literal["energy", "mood", "sleep"]


@router.get("", response_model=PatternPage, responses=UNCHANGED | problems(400, 401, 403, 422, 503))
async def read_own_patterns(
    person: Annotated[Person, person_alone_who_may("patterns:read")],
    here: Here,
    request: Request,
    week: Annotated[
        Day | None,
        Query(
            description="The Sunday that ended the week; the newest search by default",
            examples=["2026-11-22"],
        ),
    ] = None,
    outcome: Annotated[OutcomeName | None, Query(description="Only of this", examples=["energy"])] = None,
    kind: Annotated[Kind | None, Query(description="Only these", examples=["lagged_correlation"])] = None,
    cursor: Annotated[str | None, cursor_query(_BEST)] = None,
    limit: Limit = 100,
) -> Response:
    """Your patterns, best first, and what the search looked at. Empty before the first weekly search."""
    after = 0
    if cursor:
        # A page goes on in the week in which it began, also when a newer search has come in between.
        at, place = decode_cursor(cursor, _BEST)
        week, after = datetime.fromisoformat(str(at)).date(), place.int
        if after > _LARGEST_PLACE:
            raise CursorInvalidError
    asked = Asked(week, outcome, kind, after, limit)

    async def make() -> bytes:
        async with here.replica.reading(person.user_id) as connection:
            return (await _page(connection, person.user_id, asked)).model_dump_json(by_alias=True).encode()

    kept = place_of(f"patterns:{person.user_id}", PATTERNS, tag_of(PATTERNS, person.user_id))
    wanted = one_of_few("patterns", kept, here.options.scores_ttl_seconds, repr(asked))
    return cacheable_json(await here.kept.answer(wanted, make, person), request)


async def _page(connection: Connection, user_id: UUID, asked: Asked) -> PatternPage:
    search = await read_search(connection, user_id, asked.week)
    if search is None:
        return PatternPage(items=[], search=None)
    week = search.week_ended_date
    found = await read_patterns(connection, user_id, asked._replace(week=week, limit=asked.limit + 1))
    items = found[: asked.limit]
    is_last = len(found) <= asked.limit
    place = None if is_last else encode_cursor(_BEST, _instant(week), UUID(int=items[-1].place))
    return PatternPage(items=items, next_cursor=place, search=search)


def _instant(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
