"""The AsyncAPI 3 document of the WebSocket, made from the models of its messages. Nothing is written twice."""

from __future__ import annotations

import inspect
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from aurora.notices.log import KEPT
from serving.live.messages import RECEIVED, SENT
from serving.live.sockets import GOING_AWAY, NOT_LOGGED_IN
from serving.live.wire import SLOW_CONSUMER
from serving.paths import API

_DESCRIPTION: Final = f"""
What happens to a person, as it happens. Frames are JSON text; ignore fields that you do not know.

Every message but `pong` and `error` carries a `cursor`. Connect with `?cursor=` and you hear what came after
it, once and in order, then what comes. When that is not possible you get `resync`: read the API, and go on.
Notices are kept for {KEPT.days} days.

Closed with {NOT_LOGGED_IN}: log in again; {SLOW_CONSUMER}: you took messages too slowly; {GOING_AWAY}: the
server restarts. After the last two, and whenever the connection is lost, come back with your last cursor.
"""

_QUERY: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "ticket": {
            "type": "string",
            "description": f"Of POST {API}/ws/tickets; for whoever cannot send a header. Works once.",
        },
        "cursor": {"type": "string", "description": "Of the last message that you have dealt with"},
        "topics": {
            "type": "string",
            "description": "What to hear, by comma: topics, or their subjects. Everything of yours by default",
            "examples": ["predictions,scores"],
        },
    },
}
_HEADERS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"Authorization": {"type": "string", "description": "Bearer and an access token"}},
}


def asyncapi(host: str = "127.0.0.1:8000", protocol: str = "ws") -> dict[str, Any]:
    """The document, for an API that is reached at this host."""
    schemas = _schemas()
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "AURORA_LIFE, live", "version": "1", "description": _DESCRIPTION.strip()},
        "defaultContentType": "application/json",
        "servers": {
            "api": {
                "host": host,
                "protocol": protocol,
                "description": "The API that served this document",
                "security": [{"$ref": "#/components/securitySchemes/bearer"}],
            }
        },
        "channels": {
            "live": {
                "address": f"{API}/ws",
                "title": "One person's life, live",
                "servers": [{"$ref": "#/servers/api"}],
                "messages": {model.__name__: _ref("messages", model) for model in (*SENT, *RECEIVED)},
                "bindings": {
                    "ws": {"method": "GET", "query": _QUERY, "headers": _HEADERS, "bindingVersion": "0.1.0"}
                },
            }
        },
        "operations": {
            "tell": _operation("send", "What the server sends", SENT),
            "ask": _operation("receive", "What a client may send", RECEIVED),
        },
        "components": {
            "messages": {model.__name__: _message(model, schemas) for model in (*SENT, *RECEIVED)},
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": f"An access token, or a ticket (POST {API}/ws/tickets) as `?ticket=`",
                }
            },
        },
    }


def example_of(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """An example of a schema, from the examples of its fields."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "examples" in schema:
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if schema.get("type") == "array":
        return [example_of(schema["items"], schemas)]
    return {name: example_of(field, schemas) for name, field in schema["properties"].items()}


def _schemas() -> dict[str, Any]:
    _, document = models_json_schema(
        [(model, "serialization") for model in (*SENT, *RECEIVED)],
        ref_template="#/components/schemas/{model}",
    )
    return _open(document["$defs"])


def _open(schema: Any) -> Any:
    """The same without what would forbid us to add a field one day."""
    if isinstance(schema, dict):
        return {
            key: _open(value)
            for key, value in schema.items()
            if not (key == "additionalProperties" and value is False)
        }
    return [_open(item) for item in schema] if isinstance(schema, list) else schema


def _message(model: type[BaseModel], schemas: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": model.__name__,
        "title": model.__name__,
        "summary": inspect.cleandoc(model.__doc__ or ""),
        "contentType": "application/json",
        "payload": _ref("schemas", model),
        "examples": [{"payload": example_of(schemas[model.__name__], schemas)}],
    }


def _operation(action: str, summary: str, models: tuple[type[BaseModel], ...]) -> dict[str, Any]:
    return {
        "action": action,
        "summary": summary,
        "channel": {"$ref": "#/channels/live"},
        "messages": [{"$ref": f"#/channels/live/messages/{model.__name__}"} for model in models],
    }


def _ref(kind: str, model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{model.__name__}"}
