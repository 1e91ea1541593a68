"""`/api/v1/ws`: the WebSocket, and tickets for browsers, which cannot send a header with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

import psycopg
from fastapi import APIRouter, WebSocket
from pydantic import BaseModel, Field
from starlette.types import Receive, Scope, Send

from aurora import clock
from aurora.errors import AuroraError
from aurora.notices.messages import Subject
from serving.auth.addresses import check_confirmed
from serving.auth.errors import LoginClosedError, TokenInvalidError, TokenMissingError
from serving.auth.keys import looks_like_key
from serving.auth.people import Person
from serving.auth.scopes import check_granted
from serving.auth.tokens import AccessToken
from serving.dependencies import CurrentToken, Here, person_who_may
from serving.errors import ParameterInvalidError
from serving.live.cursors import Cursor, read_cursor
from serving.live.feeds import Feed
from serving.live.messages import ResyncReason
from serving.live.resuming import judge, read_lines
from serving.live.sockets import GOING_AWAY, Socket
from serving.live.tickets import seconds_left
from serving.live.topics import EVERY_SUBJECT, wanted_subjects
from serving.live.wire import wire_of
from serving.middleware.rate_limiting import address_of, bucket_of
from serving.openapi import problems
from serving.paths import API
from serving.problems import problem_response
from serving.resources import Resources
from serving.strict_routes import StrictRoute, check_query

router = APIRouter(prefix=f"{API}/ws", tags=["live"], route_class=StrictRoute)
LIVE_READ: Final = "live:read"
_QUERY: Final = ("topics", "cursor", "ticket")


class Ticket(BaseModel):
    """A ticket for one WebSocket connection: `/api/v1/ws?ticket=…`."""

    ticket: str = Field(examples=["qk3wZJ0p0cVYbqf8zB2pB7m2vZ6T1l1s0g9hXc4n5yA"])
    expires_in: int = Field(examples=[30], description="Seconds")


@router.post("/tickets", status_code=201, response_model=Ticket, responses=problems(401, 403, 503))
async def sell_ticket(
    token: CurrentToken, person: Annotated[Person, person_who_may(LIVE_READ)], here: Here
) -> Ticket:
    """A ticket that opens one WebSocket, once, within 30 seconds."""
    del person
    return Ticket(ticket=await here.tickets.sell(token), expires_in=here.tickets.seconds)


async def open_socket(scope: Scope, receive: Receive, send: Send) -> None:
    """Your own topics, as they happen. See docs/api.md and the AsyncAPI document for the messages.

    Pure ASGI, and called before all middleware: whatever surrounds it stays in memory for each open socket.
    """
    websocket = WebSocket(scope, receive, send)
    here: Resources = websocket.app.state.resources
    try:
        here.hosts.check(dict(reversed(scope["headers"])), scope["headers"])
        token = await _counted_token_of(websocket, here)
        wish = _wish(websocket, token.user_id)
        place = await _take_place(token, wish, here)
    except (AuroraError, psycopg.OperationalError) as refusal:
        await websocket.send_denial_response(problem_response(refusal))
        return
    socket: Socket | None = None
    try:
        await websocket.accept()
        wire = wire_of(scope)
        wire.obey(here.options)
        wire.forget_handshake()
        del websocket
        socket = Socket(wire, token, wish.subjects, place.feed, place.announcements)
        await here.hub.join(socket, wish.cursor, place.refusal)
        await socket.listen(lifetime_seconds=seconds_left(token, clock.now()))
    except psycopg.OperationalError:
        # What it missed cannot be read now. It comes again with the cursor that it has.
        if socket is not None:
            socket.end(GOING_AWAY, "the log cannot be read at this moment; connect again")
    finally:
        await here.hub.release(place.feed, socket)


@dataclass(frozen=True)
class _Wish:
    """What a client asks for with its address."""

    subjects: frozenset[Subject]
    cursor: Cursor | None
    has_cursor: bool


@dataclass(frozen=True)
class _Place:
    """What it gets: its feeds, and why it cannot resume when it cannot."""

    feed: Feed
    announcements: Feed
    refusal: ResyncReason | None


def _wish(websocket: WebSocket, user_id: UUID) -> _Wish:
    check_query(websocket.scope["query_string"], _QUERY)
    names = websocket.query_params.get("topics")
    subjects = EVERY_SUBJECT if names is None else wanted_subjects(user_id, names.split(","))
    if subjects is None:
        raise ParameterInvalidError(
            "`topics` names one that is not yours: events, predictions, scores, insights, announcements"
        )
    given = websocket.query_params.get("cursor")
    return _Wish(subjects, read_cursor(given) if given else None, has_cursor=bool(given))


async def _take_place(token: AccessToken, wish: _Wish, here: Resources) -> _Place:
    """A place in the hub, for somebody whose login is still open."""
    async with here.database.transaction() as connection:
        person = await here.logins.find(connection, token)
        if person is None:
            raise LoginClosedError
        check_confirmed(person, here.options)
        own, everybody = await read_lines(connection, token.user_id)
        refusal = await judge(connection, wish.cursor, own, everybody) if wish.has_cursor else None
    feed, announcements = here.hub.hold(token, own, everybody)
    return _Place(feed, announcements, refusal)


async def _counted_token_of(websocket: WebSocket, here: Resources) -> AccessToken:
    """The token; the attempt is counted against the person, or the address of who is nobody."""
    try:
        token = await _token_of(websocket, here)
    except AuroraError:
        await here.limiter.spend("anonymous", address_of(websocket.scope))
        raise
    await here.limiter.spend(*bucket_of(token), limit=await here.quotas.of(token.user_id))
    return token


async def _token_of(websocket: WebSocket, here: Resources) -> AccessToken:
    ticket = websocket.query_params.get("ticket")
    if ticket is not None:
        token = await here.tickets.take(ticket)
        if token is None:
            raise TokenInvalidError("this ticket is unknown, used or too old")
        return token
    scheme, _, credentials = websocket.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise TokenMissingError
    given = credentials.strip()
    token = await here.keys.read(given) if looks_like_key(given) else here.tokens.read_access(given)
    check_granted([LIVE_READ], token.scopes)
    return token
