"""`/api/v1/ws`: the WebSocket, and tickets for browsers, which cannot send a header with it."""

from __future__ import annotations

import json

import psycopg
from fastapi import APIRouter, WebSocket
from pydantic import BaseModel, Field

from aurora import clock
from aurora.errors import AuroraError
from serving.auth.people import find_person
from serving.auth.tokens import AccessToken
from serving.dependencies import CurrentPerson, CurrentToken, Here
from serving.errors import RateLimitExceededError, TokenInvalidError, TokenMissingError, TooManySocketsError
from serving.live.sockets import Socket
from serving.live.tickets import seconds_left
from serving.openapi import problems
from serving.paths import API
from serving.problems import problem_response
from serving.rate_limits import Bucket
from serving.resources import Resources

router = APIRouter(prefix=f"{API}/ws", tags=["live"])


class Ticket(BaseModel):
    """A ticket for one WebSocket connection: `/api/v1/ws?ticket=…`."""

    ticket: str = Field(examples=["qk3wZJ0p0cVYbqf8zB2pB7m2vZ6T1l1s0g9hXc4n5yA"])
    expires_in: int = Field(examples=[30], description="Seconds")


@router.post("/tickets", status_code=201, response_model=Ticket, responses=problems(401, 503))
async def sell_ticket(token: CurrentToken, person: CurrentPerson, here: Here) -> Ticket:
    """A ticket that opens one WebSocket, once, within 30 seconds."""
    del person
    return Ticket(ticket=await here.tickets.sell(token), expires_in=here.tickets.seconds)


@router.websocket("")
async def open_socket(websocket: WebSocket) -> None:
    """Your own topics, as they happen. See docs/api.md for the messages."""
    here: Resources = websocket.app.state.resources
    try:
        token = await _admit(websocket, here)
    except (AuroraError, psycopg.OperationalError) as refusal:
        await websocket.send_denial_response(problem_response(refusal))
        return
    await websocket.accept()
    options = here.options
    socket = Socket(websocket, token, queue=options.socket_queue, send_seconds=options.socket_send_seconds)
    await here.hub.add(socket)
    try:
        socket.put(
            json.dumps(
                {
                    "type": "welcome",
                    "topics": sorted(socket.topics),
                    "heartbeat_seconds": options.heartbeat_seconds,
                }
            )
        )
        await socket.run(
            heartbeat_seconds=options.heartbeat_seconds,
            lifetime_seconds=seconds_left(token, clock.now()),
        )
    finally:
        await here.hub.remove(socket)


async def _admit(websocket: WebSocket, here: Resources) -> AccessToken:
    """The token behind this connection, by ticket or by header; the login it belongs to is still open."""
    token = await _counted_token_of(websocket, here)
    async with here.database.transaction() as connection:
        if await find_person(connection, token.user_id, token.family_id) is None:
            raise TokenInvalidError("this login was closed; log in again")
    if here.hub.count(token.user_id) >= here.options.sockets_per_person:
        raise TooManySocketsError(here.options.sockets_per_person)
    return token


async def _counted_token_of(websocket: WebSocket, here: Resources) -> AccessToken:
    """The token; the attempt is counted against the person, or the address of who is nobody."""
    try:
        token = await _token_of(websocket, here)
    except AuroraError:
        address = websocket.client.host if websocket.client else "unknown"
        await _count(here, "anonymous", address)
        raise
    await _count(here, "user", str(token.user_id))
    return token


async def _count(here: Resources, bucket: Bucket, whom: str) -> None:
    allowance = await here.limiter.take(bucket, whom)
    if not allowance.is_allowed:
        raise RateLimitExceededError(allowance.reset_seconds)


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
    return here.tokens.read_access(credentials.strip())
