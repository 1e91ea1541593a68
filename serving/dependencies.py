"""What an endpoint may ask for: the worker's own things, a transaction, and the person behind the request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer, SecurityScopes
from starlette.requests import HTTPConnection

from serving.auth.addresses import check_confirmed
from serving.auth.errors import LoginClosedError, TokenMissingError
from serving.auth.people import Person
from serving.auth.scopes import SCOPES, check_granted, check_role
from serving.auth.tokens import AccessToken
from serving.database import Connection, Work
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
    description="Access token of POST /api/v1/auth/login, or an API key of POST /api/v1/api-keys",
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


async def open_reading(here: Here, request: Request) -> AsyncIterator[Connection]:
    async with here.replica.reading(token_of(request).user_id) as connection:
        yield connection


Reading = Annotated[Connection, Depends(open_reading, scope="function")]
"""A connection for what a person reads of theirs; to a replica where there is one. See `serving.replica`."""


def headers_of(request: Request) -> Mapping[bytes, bytes]:
    """The headers of a request by their lower-case names, as they were looked through once."""
    return request.scope["state"]["headers"]


def token_of(request: Request, *scopes: str) -> AccessToken:
    """The verified token of a request, made for these scopes; or why there is none."""
    token = request.scope["state"].get("token")
    if token is None:
        raise TokenMissingError
    if isinstance(token, Exception):
        raise token
    check_granted(scopes, token.scopes)
    return token


async def current_token(
    request: Request, needed: SecurityScopes, _shown: Annotated[object, Security(_bearer)]
) -> AccessToken:
    return token_of(request, *needed.scopes)


CurrentToken = Annotated[AccessToken, Depends(current_token)]


async def person_of(request: Request, *scopes: str, connection: Connection | None = None) -> Person:
    """The person behind a request, who may have these scopes; a connection is taken only when they are not known."""
    token = token_of(request, *scopes)
    request.state.user_id = token.user_text
    here: Resources = request.app.state.resources
    person = here.logins.remembered(token)
    if person is None and connection is not None:
        person = await here.logins.find(connection, token)
    elif person is None:
        async with here.database.transaction() as own:
            person = await here.logins.find(own, token)
    if person is None:
        raise LoginClosedError
    here.quotas.note(person)
    check_role(scopes, person.role)
    # How to confirm an address lies under /auth.
    if not request.scope["path"].startswith(AUTH):
        check_confirmed(person, here.options)
    return person


async def current_person(
    _shown: CurrentToken, work: CurrentWork, request: Request, needed: SecurityScopes
) -> Person:
    return await person_of(request, *needed.scopes, connection=work.connection)


async def person_alone(_shown: CurrentToken, request: Request, needed: SecurityScopes) -> Person:
    return await person_of(request, *needed.scopes)


def person_who_may(scope: str) -> Any:
    """The person behind the request, of an endpoint that has a transaction; refused without this scope."""
    return Security(current_person, scopes=[SCOPES[scope].name])


def person_alone_who_may(scope: str) -> Any:
    """The same, where no connection may be held: while a client sends a long body, or when none may be needed."""
    return Security(person_alone, scopes=[SCOPES[scope].name])


Owner = Annotated[Person, person_who_may("account")]
"""Somebody who is logged in, of whom nothing may be asked by a key."""

OwnerAlone = Annotated[Person, person_alone_who_may("account")]
"""The same, where no connection may be held: a password is hashed, or an e-mail counted."""
