"""Examples of the OpenAPI document, composed of those of its fields, so that nobody writes them twice.

A field says its example (`Field(examples=[…])`); bodies and answers are made of the fields that they have. What a
field does not say follows from its schema where that leaves little to say: a UUID, a day, a choice, a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from serving.problem_examples import problem_example
from serving.problems import MEDIA_TYPE as PROBLEM

Schema = Mapping[str, Any]

_OF_FORMAT: Final = {
    "uuid": "01920f3e-7b1c-7c30-9a51-6f1c3a7d9e20",
    "date": "2026-03-29",
    "date-time": "2026-03-29T05:40:00Z",
}
_NULL: Final = {"type": "null"}


class NoExampleError(ValueError):
    """Nothing says what a value looks like: give the field `examples`."""


def add_examples(operation: dict[str, Any], schemas: Mapping[str, Schema]) -> None:
    """Give an example to each parameter, body and answer of an operation that has none of its own."""
    for parameter in operation.get("parameters", []):
        shown = parameter["schema"].pop("examples", None)
        if "example" not in parameter:
            parameter["example"] = shown[0] if shown else composed(parameter["schema"], schemas)
    body = operation.get("requestBody", {})
    for answer in (body, *operation["responses"].values()):
        for media_type, content in answer.get("content", {}).items():
            if "example" not in content and media_type != PROBLEM:
                content["example"] = composed(content["schema"], schemas)
    for status, answer in operation["responses"].items():
        if PROBLEM in answer.get("content", {}):
            answer["content"][PROBLEM]["example"] = problem_example(
                int(status), operation.get("tags", []), has_body=bool(body)
            )


def composed(schema: Schema, schemas: Mapping[str, Schema]) -> Any:
    """A value that is valid by this schema; NoExampleError where nobody has said one."""
    schema = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if "examples" in schema:
        return schema["examples"][0]
    if schema.get("default") is not None:
        return schema["default"]
    if "properties" in schema:
        return {name: composed(field, schemas) for name, field in schema["properties"].items()}
    if schema.get("type") == "array":
        return [composed(schema["items"], schemas)]
    kinds = [kind for kind in schema.get("anyOf", []) if kind != _NULL]
    return composed(kinds[0], schemas) if kinds else _plain(schema)


def _plain(schema: Schema) -> Any:
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("format") in _OF_FORMAT:
        return _OF_FORMAT[schema["format"]]
    if schema.get("type") == "boolean":
        return True
    raise NoExampleError(schema.get("title", schema))
