"""Whether a message of the WebSocket is what the AsyncAPI document says, and nothing more."""

from __future__ import annotations

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from serving.live.asyncapi import asyncapi
from serving.live.messages import SENT


def told_as_described(message: dict[str, Any]) -> dict[str, Any]:
    """The message itself; the test fails when the server should not have sent it so."""
    name = _names()[message["type"], message.get("subject")]
    validator(name).validate(message)
    # A field too many is no harm to a client, but nobody has described it.
    models = {model.__name__: model for model in SENT}
    models[name].model_validate(message)
    return message


@cache
def validator(name: str) -> Draft202012Validator:
    """Of the schema of this name."""
    document = asyncapi()
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


@cache
def _names() -> dict[tuple[str, str | None], str]:
    schemas = asyncapi()["components"]["schemas"]
    names: dict[tuple[str, str | None], str] = {}
    for model in SENT:
        fields = schemas[model.__name__]["properties"]
        subject = fields.get("subject", {}).get("const")
        names[fields["type"]["const"], subject] = model.__name__
    return names
