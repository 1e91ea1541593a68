"""The section `webhooks` of the OpenAPI document, from the catalogue: what receivers are sent, and should answer."""

from __future__ import annotations

from typing import Any, Final

from pydantic.json_schema import models_json_schema

from serving.webhooks.catalogue import WEBHOOK_TYPES, WebhookType

_REF: Final = "#/components/schemas/{model}"
_DELIVERY_ID: Final = "0b5e8a1e-6f0c-4e0e-9c58-2c1d6d3f7a10"

_HEADERS: Final = {
    "webhook-id": (
        "Of the delivery, the same at each attempt: what you had before comes again",
        _DELIVERY_ID,
    ),
    "webhook-timestamp": (
        "Of the attempt, in seconds since 1970; refuse what is more than five minutes off",
        "1795599012",
    ),
    "webhook-signature": (
        "`v1,` and the base64 of the HMAC-SHA256 of id.timestamp.body; one by each valid secret, with spaces between",
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ),
}
_ANSWERS: Final = {
    "2XX": {"description": "It is delivered. Answer at once, and do the work afterwards"},
    "410": {"description": "Nothing more, please: the webhook is disabled"},
    "429": {"description": "Later: after Retry-After, when it is given"},
    "503": {"description": "Later: after Retry-After, when it is given"},
    "default": {"description": "It is attempted again. A redirect is not followed"},
}


def webhook_operations() -> dict[str, Any]:
    """One operation for each type."""
    return {kind.name: {"post": _operation(kind)} for kind in WEBHOOK_TYPES.values()}


def webhook_schemas() -> dict[str, Any]:
    """The components that the operations refer to."""
    _, document = models_json_schema(
        [(kind.data, "serialization") for kind in WEBHOOK_TYPES.values()], ref_template=_REF
    )
    return document["$defs"]


def _operation(kind: WebhookType) -> dict[str, Any]:
    return {
        "tags": ["webhooks"],
        "operationId": kind.name.replace(".", "_"),
        "summary": kind.name,
        # No login: the signature says who sends it.
        "security": [],
        "description": kind.description,
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": description,
                "schema": {"type": "string"},
                "example": example,
            }
            for name, (description, example) in _HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _payload(kind)}}},
        "responses": _ANSWERS,
    }


def _payload(kind: WebhookType) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["type", "timestamp", "position", "data"],
        "properties": {
            "type": {"const": kind.name},
            "timestamp": {
                "type": "string",
                "format": "date-time",
                "description": "When it happened",
                "examples": ["2026-11-25T09:30:12.401022Z"],
            },
            "position": {
                "type": ["integer", "null"],
                "description": "Among all that happened to the person. Deliveries may overtake one another: what has "
                "the higher position is the newer",
                "examples": [57],
            },
            "data": {"$ref": _REF.format(model=kind.data.__name__)},
        },
    }
