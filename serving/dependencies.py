"""What an endpoint may ask for: the worker's own things, a transaction, and the person behind the request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection

from serving.auth.addresses import check_confirmed
from serving.auth.people import Person, find_person
from serving.auth.tokens import AccessToken
from serving.database import Work
from serving.errors import TokenInvalidError, TokenMissingError
from serving.openapi import BEARER
from serving.paths import AUTH
from serving.resources import Resources


class _ShownBearer(HTTPBearer):
    """Only for the docs: the token itself was verified once, before the rate limit."""

    async def __call__(self, request: HTTPConnection) -> None:
        del request


_bearer = _ShownBearer(
    scheme_name=BEARER,
    bearerFormat="JWT",
    auto_error=False,
    description="Access token of POST /api/v1/auth/login",
)


# Every dependency is `async`: FastAPI runs a plain function in a thread, which costs more than what it does.
async def resources(request: Request) -> Resources:
    return request.app.state.resources


Here = Annotated[Resources, Depends(resources)]


async def open_work(here: Here) -> AsyncIterator[Work]:
    async with here.database.work() as work:
        yield work


# Of scope "function": committed before the answer is sent, so that nobody is told "accepted" too early.
CurrentWork = Annotated[Work, Depends(open_work, scope="function")]


def headers_of(request: Request) -> Mapping[bytes, bytes]:
    """The headers of a request by their lower-case names, as they were looked through once."""
    return request.scope["state"]["headers"]


def token_of(request: Request) -> AccessToken:
    """The verified token of a request, or why there is none."""
    token = request.scope["state"].get("token")
    if token is None:
        raise TokenMissingError
    if isinstance(token, TokenInvalidError):
        raise token
    return token


async def current_token(request: Request, _shown: Annotated[object, Security(_bearer)]) -> AccessToken:
    return token_of(request)


CurrentToken = Annotated[AccessToken, Depends(current_token)]


async def _person_of(work: Work, token: AccessToken, request: Request, here: Resources) -> Person:
    person = await find_person(work.connection, token.user_id, token.family_id)
    if person is None:
        raise TokenInvalidError("this login was closed; log in again")
    request.state.user_id = str(person.user_id)
    # How to confirm an address lies under /auth.
    if not request.scope["path"].startswith(AUTH):
        check_confirmed(person, here.options)
    return person


async def current_person(token: CurrentToken, work: CurrentWork, request: Request, here: Here) -> Person:
    return await _person_of(work, token, request, here)


async def streaming_person(token: CurrentToken, here: Here, request: Request) -> Person:
    async with here.database.work() as work:
        return await _person_of(work, token, request, here)


CurrentPerson = Annotated[Person, Depends(current_person)]
"""The person behind the request, read in the request's own transaction."""

StreamingPerson = Annotated[Person, Depends(streaming_person)]
"""The same, for endpoints that read a long body: no connection is held while the client sends it."""
