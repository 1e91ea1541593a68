"""One problem for each status that a group of routes answers with, word for word as the API tells it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import psycopg

from aurora.errors import UnknownEventTypeError, UnknownScoreError
from serving import errors
from serving.auth import errors as auth_errors
from serving.problems import invalid_response, problem_response

_PROBLEM_OF: Final[Mapping[tuple[int, str], Exception]] = {
    (400, ""): errors.CursorInvalidError(),
    (401, ""): auth_errors.TokenMissingError(),
    (403, ""): auth_errors.ScopeMissingError("events:write", takes_login=False),
    (403, "auth"): auth_errors.ScopeMissingError("account", takes_login=True),
    (403, "admin"): auth_errors.RoleMissingError(),
    (403, "models"): auth_errors.RoleMissingError(),
    (404, "auth"): auth_errors.SessionNotFoundError(),
    (404, "api-keys"): auth_errors.ApiKeyNotFoundError(),
    (404, "events"): errors.EventNotFoundError(),
    (404, "rejected-events"): errors.RejectedEventNotFoundError(),
    (404, "event-types"): UnknownEventTypeError("mood.guessed"),
    (404, "scores"): UnknownScoreError("luck"),
    (404, "webhooks"): errors.WebhookNotFoundError(),
    (404, "admin"): auth_errors.AccountNotFoundError(),
    (408, ""): errors.BodyTooSlowError(60),
    (409, "auth"): auth_errors.EmailTakenError(),
    (409, "api-keys"): auth_errors.TooManyApiKeysError(20),
    (409, "events"): errors.EventConflictError(),
    (409, "predictions"): errors.WhatIfWithoutModelError("nobody has trained one yet"),
    (409, "webhooks"): errors.WebhookDisabledError(),
    (409, "admin"): auth_errors.LastAdminError(),
    (412, ""): errors.PreconditionFailedError(),
    (413, ""): errors.BodyTooLargeError(2**20),
    (415, ""): errors.MediaTypeUnsupportedError("application/json"),
    (422, ""): errors.ParameterInvalidError("a query parameter is given once at most"),
    (429, ""): errors.RateLimitExceededError(2),
    (503, ""): psycopg.OperationalError(),
}
"""What is answered with a status, by routes of a tag; without a tag by all others."""

_UNKNOWN_TYPE: Final = errors.EventRejectedError("unknown_type", str(UnknownEventTypeError("mood.guessed")))
_REQUEST_ID: Final = {"request_id": "4f5c7e1f8c2d4c2d9a55a2f1d4f4f0b6"}


def problem_example(status: int, tags: Iterable[str], *, has_body: bool) -> dict[str, Any]:
    """What a route with these tags answers with this status."""
    if status == 422 and has_body:
        response = (
            problem_response(_UNKNOWN_TYPE)
            if "events" in tags
            else invalid_response([{"location": "body", "detail": "Field required"}])
        )
    else:
        found = [_PROBLEM_OF[status, tag] for tag in (*tags, "") if (status, tag) in _PROBLEM_OF]
        response = problem_response(found[0])
    return json.loads(bytes(response.body)) | _REQUEST_ID
