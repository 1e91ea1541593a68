"""The OpenAPI document, completed: what FastAPI does not see of the routes.

FastAPI knows parameters, bodies and shapes. What surrounds every request it does not know: the headers of each answer,
what any body may be refused for, conditional requests. To describe a new group of routes, add its tag to TAGS.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from serving.deprecation import DEPRECATION_HEADERS
from serving.etags import ETAG_EXAMPLE
from serving.examples import add_examples
from serving.openapi import own_schemas, problems
from serving.paths import API
from serving.webhooks.documentation import webhook_operations, webhook_schemas

TAGS: Final = {
    "events": "The way into the log, one event or many, and back out of it",
    "auth": "Accounts: register, log in, confirm an address, change the profile, leave",
    "api-keys": "Keys for programs of yours",
    "rejected-events": "What was not accepted of your events, and another chance for it",
    "event-types": "Every kind of event that is understood",
    "timeline": "What happened, by your own days",
    "features": "What is computed from your events",
    "scores": "Your days in numbers from 0 to 100",
    "predictions": "What to expect now, and had something been otherwise",
    "patterns": "What goes along with your energy, mood and sleep",
    "models": "Which models answer",
    "webhooks": "Have what happens to you sent to a server of yours",
    "live": "Tickets for the WebSocket, which `/api/v1/asyncapi.json` describes",
    "admin": "Accounts of others, announcements, and what is switched on",
    "health": "For machines that watch over this one",
}

_HEADERS: Final[dict[str, tuple[str, str, bool]]] = {
    "X-Request-ID": ("Finds this request in our logs", "4f5c7e1f8c2d4c2d9a55a2f1d4f4f0b6", True),
    "RateLimit": ("Requests that remain, and seconds until some are free again", '"user";r=599;t=1', True),
    "RateLimit-Policy": ("Requests in a window of seconds", '"user";q=600;w=60', True),
    "Retry-After": ("Seconds to wait before you ask again", "2", True),
    "ETag": ("Which state this answer shows", ETAG_EXAMPLE, True),
    "WWW-Authenticate": ("How to authenticate", 'Bearer realm="aurora"', False),
    "Idempotency-Replayed": ("This is the answer that the key got before", "true", False),
    **{name: (description, example, True) for name, (description, example) in DEPRECATION_HEADERS.items()},
}
"""What each header says, an example, and whether it is on every answer that is said to have it."""

_IF_NONE_MATCH: Final = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` of the state that you know: 304 when it still holds",
    "schema": {"type": "string"},
    "example": ETAG_EXAMPLE,
}


def completed(document: dict[str, Any], routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """The document with everything that any answer may be, and with what webhooks are sent."""
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(own_schemas() | webhook_schemas())
    document["tags"] = [{"name": name, "description": description} for name, description in TAGS.items()]
    endpoints = {
        (route.path_format, method): route.name
        for route in routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    told: set[str] = set()
    for path, method, operation in _operations(document):
        operation["operationId"] = endpoints[path, method]
        # Said aloud: nobody has to log in for it.
        operation.setdefault("security", [])
        if path.startswith(API):
            told |= _complete_operation(operation)
        add_examples(operation, components["schemas"])
    components["headers"] = {name: _header(name) for name in _HEADERS if name in told}
    document["webhooks"] = webhook_operations()
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def _complete_operation(operation: dict[str, Any]) -> set[str]:
    """Add to an operation what surrounds it; the names of the headers that its answers have."""
    answers = operation["responses"]
    for parameter in operation.get("parameters", []):
        parameter["schema"] = _never_null(parameter["schema"])
    # A host that is not ours and a query parameter that there is not are refused everywhere; a body that is no JSON or
    # not UTF-8, or too large, whatever it is for.
    for status, told in problems(400, 422, *([413] if "requestBody" in operation else [])).items():
        answers.setdefault(str(status), told)
    if "304" in answers:
        operation.setdefault("parameters", []).append(dict(_IF_NONE_MATCH))
    has_tag = "304" in answers or "412" in answers
    has_key = any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", []))
    for status, answer in answers.items():
        names = ["X-Request-ID", "RateLimit", "RateLimit-Policy"]
        names += ["Retry-After"] if status in {"429", "503"} else []
        names += ["WWW-Authenticate"] if status == "401" else []
        names += ["ETag"] if has_tag and status in {"200", "304"} else []
        names += ["Idempotency-Replayed"] if has_key and status < "500" else []
        names += DEPRECATION_HEADERS if operation.get("deprecated") else []
        answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {name for answer in answers.values() for name in answer["headers"]}


def _never_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is there or left out: neither a URL nor a header has a null, which Python's types say instead."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    rest = {name: part for name, part in schema.items() if name not in {"anyOf", "examples"}}
    shown = [example for example in schema.get("examples", []) if example is not None]
    return (
        (kinds[0] if len(kinds) == 1 else {"anyOf": kinds} if kinds else {})
        | rest
        | ({"examples": shown} if shown else {})
    )


def _header(name: str) -> dict[str, Any]:
    description, example, is_required = _HEADERS[name]
    return {
        "description": description,
        "required": is_required,
        "schema": {"type": "string"},
        "example": example,
    }
