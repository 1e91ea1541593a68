"""OpenAPI: problems on every route, and request bodies that an endpoint reads by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from aurora.events.envelope import LifeEvent
from serving.problems import MEDIA_TYPE, Problem

BEARER: Final = "HTTPBearer"
"""FastAPI's name of the scheme by which people log in."""

_TOLD: Final = {
    400: "The request cannot be read",
    401: "No access token, or one that is not accepted",
    403: "The key was not made for this, your role does not allow it, or it is switched off",
    404: "Nothing of yours is there",
    408: "The body did not arrive in time",
    409: "It conflicts with what is stored",
    412: "It has changed since it was read: see If-Match",
    413: "Too large",
    415: "Another media type is needed",
    422: "The request can be read and is not valid",
    429: "Too many requests: see Retry-After",
    503: "Something that this needs is away: see Retry-After",
}


@dataclass(frozen=True)
class AskedHeader:
    """A header that an endpoint reads by itself, as the docs show it."""

    name: str
    description: str
    example: str


def asking_for(*headers: AskedHeader, scope: str) -> dict[str, Any]:
    """A login or key of this scope and these headers, of an endpoint that reads them by itself."""
    parameters = [
        {
            "name": header.name,
            "in": "header",
            "required": False,
            "description": header.description,
            "schema": {"type": "string", "title": header.name},
            "example": header.example,
        }
        for header in headers
    ]
    return {"security": [{BEARER: [scope]}], "parameters": parameters}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problem answers of a route. 429 is on each: the limit stands before all of them."""
    return {
        status: {
            "description": _TOLD[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in (*statuses, 429)
    }


def schemas_of(*models: type[BaseModel]) -> dict[str, Any]:
    """Components of these models and of all that they hold."""
    components: dict[str, Any] = {}
    for model in models:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        components |= schema.pop("$defs", {})
        components[model.__name__] = schema
    return components


def own_schemas() -> dict[str, Any]:
    """The components that routes refer to by name: FastAPI does not see them."""
    return schemas_of(Problem, LifeEvent)


def body_of(schema: dict[str, Any], *, example: Any, ndjson: str | None = None) -> dict[str, Any]:
    """The request body of an endpoint that reads it by itself."""
    content: dict[str, Any] = {"application/json": {"schema": schema, "example": example}}
    if ndjson is not None:
        content["application/x-ndjson"] = {
            "schema": {"type": "string", "description": "One event a line"},
            "example": ndjson,
        }
    return {"requestBody": {"required": True, "content": content}}
