"""`/api/v1/events`: the way into the log, one event or many, and back out of it."""

from __future__ import annotations

import json
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from serving.auth.people import Person
from serving.dependencies import Here, Reading, headers_of, person_alone_who_may, token_of
from serving.errors import EventNotFoundError, MediaTypeUnsupportedError
from serving.events.log import EventFilter, read_event, read_events
from serving.events.posting import Posted
from serving.events.schemas import EXAMPLE, EXAMPLE_SLEEP, BatchVerdict, EventRead, EventVerdict
from serving.idempotency import IDEMPOTENCY_KEY, IdempotencyKey, checked_key, request_digest
from serving.openapi import asking_for, body_of, problems
from serving.pagination import NAME, SORT, Limit, Order, Page, cursor_query, cut_page
from serving.parameters import Instant
from serving.paths import EVENTS
from serving.request_ids import REQUEST_ID
from serving.resources import Resources
from serving.strict_routes import StrictRoute

router = APIRouter(prefix=EVENTS, tags=["events"], route_class=StrictRoute)
Reader = Annotated[Person, person_alone_who_may("events:read")]
StreamingWriter = Annotated[Person, person_alone_who_may("events:write")]
_LINES = "application/x-ndjson"
_EVENT = {"$ref": "#/components/schemas/LifeEvent"}
_VERDICTS = {
    "schema": {"type": "string", "description": "One ItemVerdict a line, and last a line with `counts`"},
    "example": '{"index":0,"outcome":"accepted"}\n{"counts":{"accepted":1}}\n',
}


def _is_json(content_type: bytes) -> bool:
    return content_type == b"application/json" or (
        content_type.partition(b";")[0].strip().lower() == b"application/json"
    )


# The busiest endpoint: what FastAPI would do with four dependencies costs more than storing the event, so it asks
# for what it needs by itself and says so to the docs.
@router.post(
    "",
    status_code=201,
    response_model=EventVerdict,
    responses={200: {"model": EventVerdict, "description": "It changed nothing: duplicate or superseded"}}
    | problems(400, 401, 403, 409, 413, 415, 422, 503),
    openapi_extra=body_of(_EVENT, example=EXAMPLE) | asking_for(IDEMPOTENCY_KEY, scope="events:write"),
)
async def receive_event(request: Request) -> Response:
    """Take in one event. What is not accepted is kept apart, with its reason, and answered as a problem."""
    here: Resources = request.app.state.resources
    token = token_of(request, "events:write")
    headers = headers_of(request)
    given_key = headers.get(b"idempotency-key")
    key = None if given_key is None else checked_key(given_key.decode("latin-1"))
    if not _is_json(headers.get(b"content-type", b"")):
        raise MediaTypeUnsupportedError("application/json")
    body = await request.body()
    request.scope["state"]["user_id"] = token.user_text
    digest = b"" if key is None else request_digest(request, body)
    answer = await here.posting.receive(Posted(token, body, key, digest, REQUEST_ID.get()))
    return answer.response()


@router.post(
    "/batch",
    response_model=BatchVerdict,
    responses={200: {"content": {_LINES: _VERDICTS}}} | problems(400, 401, 403, 408, 413, 415, 422, 503),
    openapi_extra=body_of(
        {
            "type": "object",
            "required": ["events"],
            "properties": {"events": {"type": "array", "maxItems": 10_000, "items": _EVENT}},
        },
        example={"events": [EXAMPLE, EXAMPLE_SLEEP]},
        ndjson="\n".join(json.dumps(event) for event in (EXAMPLE, EXAMPLE_SLEEP)),
    ),
)
async def receive_events(
    person: StreamingWriter,
    request: Request,
    key: IdempotencyKey,
    here: Here,
) -> Response:
    """Take in up to 10,000 events, 32 MB: `{"events": […]}`, or NDJSON. Each has its own outcome.

    The events are taken in as they come, a thousand or so in a transaction. When the body ends too early or exceeds
    a limit, what came before that stays: the problem then has `counts` and `items`. With `Accept:
    application/x-ndjson` the answer has one line for each event, and a last one with the counts.
    """
    answer = await here.batches.receive(request, person, key)
    if answer.status == 200 and _LINES in request.headers.get("accept", ""):
        return answer.as_lines("items", _LINES)
    return answer.response()


@router.get("", response_model=Page[EventRead], responses=problems(400, 401, 403, 422, 503))
async def read_own_events(
    person: Reader,
    connection: Reading,
    here: Here,
    *,
    type: Annotated[str | None, Query(max_length=200, pattern=NAME, examples=["energy.rated"])] = None,  # noqa: A002  # its name on the API
    since: Annotated[Instant | None, Query(alias="from", description="Earliest started_at")] = None,
    until: Annotated[Instant | None, Query(alias="to", description="Before this started_at")] = None,
    sort: Annotated[Literal["-started_at", "started_at"], SORT] = "-started_at",
    cursor: Annotated[str | None, cursor_query("-started_at")] = None,
    limit: Limit = 100,
) -> Page[EventRead]:
    """Your events in their current version, newest first unless you say otherwise."""
    order = Order.of(sort, cursor)
    found = await read_events(
        connection, person, here.system_key, EventFilter(type, since, until), order, limit + 1
    )
    items, next_cursor = cut_page(found, limit, order, key="event_id")
    return Page(items=items, next_cursor=next_cursor)


@router.get("/{event_id}", response_model=EventRead, responses=problems(401, 403, 404, 422, 503))
async def read_own_event(event_id: UUID, person: Reader, connection: Reading, here: Here) -> EventRead:
    """One of your events in its current version."""
    found = await read_event(connection, person, here.system_key, event_id)
    if found is None:
        raise EventNotFoundError
    return found
