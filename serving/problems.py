"""Problem details (RFC 9457): the one shape of every error answer, and the handlers that make it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Route

from aurora.errors import AuroraError
from aurora.flaws import told_location
from serving.auth.errors import CredentialsInvalidError
from serving.errors import EventRejectedError, RateLimitExceededError, WhatIfUnsupportedError
from serving.problem_types import INVALID, ProblemType, problem_of
from serving.request_ids import REQUEST_ID

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:aurora-life:problem:"

log = structlog.get_logger(__name__)


class Flaw(BaseModel):
    """One thing that is wrong with a request, and where. What was sent is not repeated."""

    location: str = Field(examples=["body.username"])
    detail: str = Field(examples=["Field required"])


class UnsupportedChange(BaseModel):
    """One change of a what-if that is not answered, and the range within which it would be."""

    change: str = Field(examples=["sleep_minutes"])
    value: float = Field(examples=[720], description="What was asked")
    unit: str = Field(examples=["min"])
    because: Literal["bounds", "yours", "people", "impossible"] = Field(
        description="bounds: nobody is answered that. yours: your last 28 days had nothing like it. people: nor had "
        "those of the people whom the model learned from. impossible: it cannot be made on these days",
    )
    lowest: float | None = Field(examples=[355], description="Of the change; with `feature`, of the feature")
    highest: float | None = Field(examples=[525])
    feature: str | None = Field(
        default=None, examples=[None], description="What would lie where no model was trained"
    )
    feature_value: float | None = Field(default=None, examples=[None])
    sentence: str = Field(
        examples=[
            (
                "sleep_minutes = 12 h 00 min lies outside what your last 28 days had: "
                "from 5 h 55 min to 8 h 45 min is answered."
            )
        ]
    )


class Problem(BaseModel):
    """An error, as RFC 9457 tells it. `code` and `type` are stable; `detail` is for people."""

    type: str = Field(examples=["urn:aurora-life:problem:event-rejected"])
    title: str = Field(examples=["Event not accepted"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["event type 'mood.guessed' is not in the catalogue"])
    code: str = Field(examples=["event-rejected"])
    reason_code: str | None = Field(
        default=None, examples=["unknown_type"], description="Of a rejected event"
    )
    errors: list[Flaw] | None = Field(default=None, description="Of a request that is not valid")
    unsupported: list[UnsupportedChange] | None = Field(
        default=None, description="Of a what-if that is not answered"
    )
    request_id: str | None = Field(default=None, examples=["4f5c7e1f8c2d4c2d9a55a2f1d4f4f0b6"])


def problem_body(kind: ProblemType, detail: str, **more: Any) -> dict[str, Any]:
    """The JSON of one problem."""
    body = {
        "type": TYPE_PREFIX + kind.code,
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "code": kind.code,
        "request_id": REQUEST_ID.get(),
        **more,
    }
    return {name: value for name, value in body.items() if value is not None}


def problem_response(error: Exception) -> Response:
    """Any error as a problem. What is not an error of ours is told without its words."""
    kind = problem_of(error)
    is_ours = isinstance(error, AuroraError)
    detail = str(error) if is_ours else _AWAY if kind.status == 503 else _UNEXPECTED
    headers: dict[str, str] = {}
    retry_after = error.retry_after if isinstance(error, RateLimitExceededError) else kind.retry_after
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    if kind.status == 401 and not isinstance(error, CredentialsInvalidError):
        headers["WWW-Authenticate"] = 'Bearer realm="aurora"'
    return render(kind, detail, headers=headers, **more_of(error))


def more_of(error: Exception) -> dict[str, Any]:
    """What only some problems have."""
    if isinstance(error, EventRejectedError):
        return {"reason_code": error.reason_code}
    if isinstance(error, WhatIfUnsupportedError):
        return {"unsupported": [vars(each) for each in error.unsupported]}
    return {}


def render(
    kind: ProblemType, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    return Response(
        json.dumps(problem_body(kind, detail, **more), ensure_ascii=False).encode(),
        status_code=kind.status,
        media_type=MEDIA_TYPE,
        headers=dict(headers or {}),
    )


def invalid_response(flaws: Sequence[Mapping[str, str]]) -> Response:
    """The problem of a request in which these things are not valid."""
    return render(
        INVALID, f"{len(flaws)} thing(s) in this request are not valid; `errors` says which", errors=flaws
    )


def install(app: FastAPI) -> None:
    """Answer every error with a problem."""
    app.add_exception_handler(AuroraError, answer_error)
    app.add_exception_handler(psycopg.OperationalError, answer_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    # Told apart from the others only in the log, by whoever calls the application.
    app.add_exception_handler(Exception, answer_error)


async def answer_error(request: Request, error: Exception) -> Response:
    """The problem that an error is."""
    del request
    if isinstance(error, psycopg.OperationalError):
        log.warning("postgres_away", problem=type(error).__name__)
    return problem_response(error)


async def _answer_invalid(request: Request, error: Exception) -> Response:
    flaws = (
        _flaws(error.errors(), request.scope["route"]) if isinstance(error, RequestValidationError) else []
    )
    return invalid_response(flaws)


async def _answer_http(request: Request, error: Exception) -> Response:
    """What Starlette raises itself: no such path, method not allowed, a body that cannot be read."""
    if not isinstance(error, HTTPException):
        return problem_response(error)
    # FastAPI wraps what goes wrong while it reads a body; the cause is the better answer.
    if isinstance(error.__cause__, AuroraError):
        return problem_response(error.__cause__)
    title = HTTPStatus(error.status_code).phrase
    kind = ProblemType(error.status_code, title.lower().replace(" ", "-"), title)
    headers = {"Allow": _methods_of(request)} if error.status_code == 405 else error.headers
    return render(kind, str(error.detail), headers=headers)


def _methods_of(request: Request) -> str:
    """Every method of this path. Starlette names those of the first of its routes alone."""
    path = getattr(request.scope.get("route"), "path", None)
    methods = {
        method
        for route in request.app.routes
        if isinstance(route, Route) and route.path == path
        for method in route.methods or ()
    }
    return ", ".join(sorted(methods))


def _flaws(errors: Sequence[Mapping[str, Any]], route: APIRoute) -> list[dict[str, str]]:
    """Each with its place: `query`, `path` or `header` and a name of ours, or `body` and a way into it."""
    body = route.body_field.field_info.annotation if route.body_field else None
    # Pydantic puts "Value error, " before what our own validators say.
    return [
        {
            "location": _location(*flaw["loc"], body=body),
            "detail": str(flaw["msg"]).removeprefix("Value error, "),
        }
        for flaw in errors
    ]


def _location(part: str, *way: int | str, body: Any) -> str:
    within = told_location(way, body) if part == "body" else ".".join(map(str, way))
    return f"{part}.{within}" if within else part


_AWAY = "the database does not answer; try again in a few seconds"
_UNEXPECTED = "something went wrong on our side; the request id finds it in our logs"
