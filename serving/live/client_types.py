"""The types of both clients, written from the schemas of the messages. `make generate` writes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from serving.live.asyncapi import asyncapi
from serving.live.messages import RECEIVED, SENT, TOLD

PYTHON_FILE: Final = Path("clients/python/aurora_client/messages.py")
TYPESCRIPT_FILE: Final = Path("clients/typescript/src/messages.ts")


@dataclass(frozen=True)
class _Language:
    """How a language writes the shapes that our messages are made of."""

    simple: dict[str, str]
    array: str
    mapping: str
    literals: Callable[[list[str]], str]


_TYPESCRIPT: Final = _Language(
    {"string": "string", "number": "number", "integer": "number", "boolean": "boolean", "null": "null"},
    array="Array<{}>",
    mapping="Record<string, {}>",
    literals=" | ".join,
)
_PYTHON: Final = _Language(
    {"string": "str", "number": "float", "integer": "int", "boolean": "bool", "null": "None"},
    array="list[{}]",
    mapping="dict[str, {}]",
    literals=lambda values: f"Literal[{', '.join(values)}]",
)

_GROUPS: Final = (
    ("Message", "Something happened. `subject` tells what.", TOLD),
    ("FromServer", "Everything that the server sends. `type` tells what.", SENT),
    ("ToServer", "Everything that a client may send.", RECEIVED),
)


def client_types() -> dict[Path, str]:
    """File, from the root of the project → its text."""
    schemas = asyncapi()["components"]["schemas"]
    return {PYTHON_FILE: python_types(schemas), TYPESCRIPT_FILE: typescript_types(schemas)}


def typescript_types(schemas: dict[str, Any]) -> str:
    lines = [
        "// The messages of the WebSocket. Written by `make generate` from serving/live/messages.py.",
        "",
    ]
    for name, schema in schemas.items():
        lines.append(f"/** {_sentence(schema)} */")
        lines.append(f"export interface {name} {{")
        for field, shape in schema["properties"].items():
            if "description" in shape:
                lines.append(f"  /** {_sentence(shape)} */")
            lines.append(f"  {field}: {_type(shape, _TYPESCRIPT)};")
        lines += ["}", ""]
    for name, says, models in _GROUPS:
        union = "".join(f"\n  | {model.__name__}" for model in models)
        lines += [f"/** {says} */", f"export type {name} ={union};", ""]
    return "\n".join(lines[:-1]) + "\n"


def python_types(schemas: dict[str, Any]) -> str:
    lines = [
        '"""The messages of the WebSocket. Written by `make generate` from serving/live/messages.py."""',
        "",
        "from __future__ import annotations",
        "",
        "from typing import Literal, TypedDict",
        "",
    ]
    # In this order a name stands below those that it is made of.
    for name, schema in _bottom_up(schemas):
        # Not as a class: `class` is the name of a field.
        lines += ["", f"{name} = TypedDict(", f'    "{name}",', "    {"]
        for field, shape in schema["properties"].items():
            lines.append(f'        "{field}": {_type(shape, _PYTHON)},')
        lines += ["    },", ")", f'"""{_sentence(schema)}"""', ""]
    for name, says, models in _GROUPS:
        union = " | ".join(model.__name__ for model in models)
        lines += ["", f"{name} = (", *(f"    {part}" for part in _wrapped(union)), ")", f'"""{says}"""', ""]
    return "\n".join(lines[:-1]) + "\n"


def _type(shape: dict[str, Any], language: _Language) -> str:
    if "$ref" in shape:
        return str(shape["$ref"].rpartition("/")[2])
    if "const" in shape or "enum" in shape:
        values = shape["enum"] if "enum" in shape else [shape["const"]]
        return language.literals([json.dumps(value) for value in values])
    if "anyOf" in shape:
        return " | ".join(_type(option, language) for option in shape["anyOf"])
    if shape["type"] == "array":
        return language.array.format(_type(shape["items"], language))
    if shape["type"] == "object":
        return language.mapping.format(_type(shape["additionalProperties"], language))
    return language.simple[shape["type"]]


def _bottom_up(schemas: dict[str, Any]) -> list[tuple[str, Any]]:
    names = {f"#/components/schemas/{name}" for name in schemas}
    parts = [name for name, schema in schemas.items() if not any(ref in json.dumps(schema) for ref in names)]
    rest = [name for name in schemas if name not in parts]
    return [(name, schemas[name]) for name in (*parts, *rest)]


def _wrapped(union: str) -> list[str]:
    parts = union.split(" | ")
    return [parts[0], *(f"| {part}" for part in parts[1:])]


def _sentence(schema: dict[str, Any]) -> str:
    return " ".join(str(schema.get("description", "")).split())
