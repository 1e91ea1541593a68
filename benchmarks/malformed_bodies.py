"""Bodies that are wrong in every way: the examples of the OpenAPI document, spoilt as values and as bytes.

The same in every run: a seed decides. To spoil them in another way, add to HOSTILE or to SPOILERS.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

HOSTILE: Final[Sequence[Any]] = (
    None, True, False, 0, -1, 0.5, 2**31, 2**63, 2**64, -(2**200), 10**400, 1e308, float("nan"), float("-inf"),
    "", " ", "\x00", "a\x00b", "\ud800", "\u202e", "🙂" * 200, "x" * 70_000, "1", "true", "null", "{}",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999+14:00", "2026-02-30", "2026-03-29T25:00:00+99:99",
    "00000000-0000-0000-0000-000000000000", "Europe/Oslo\x00", "../../etc/passwd", "' or 1=1 --", "%s%n{0}",
    [], [[]], [None], [1, "a", {}], ["a"] * 3_000, {}, {"": ""}, {"__proto__": {}}, {"a": {"a": {"a": {}}}},
)  # fmt: skip
"""Values that have broken programs before."""

MEDIA_TYPES: Final = (
    "application/json", "application/json; charset=utf-16", "application/JSON", "text/plain", "",
    "application/x-ndjson", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
    "application/problem+json", "\xff",
)  # fmt: skip


@dataclass(frozen=True)
class Malformed:
    """One request that should not be made. `operation` is its method and path, as the document has them."""

    operation: str
    method: str
    path: str
    media_type: str
    body: bytes


def malformed_bodies(document: dict[str, Any], count: int, seed: int = 7) -> Iterator[Malformed]:
    """So many of them, for every operation of an OpenAPI document that takes a body."""
    chance = random.Random(seed)  # noqa: S311  # no secret
    operations = list(_operations(document))
    for number in range(count):
        method, path, example = operations[number % len(operations)]
        body = spoilt(example, chance)
        media_type = "application/json" if chance.random() < 0.9 else chance.choice(MEDIA_TYPES)
        filled = re.sub(r"\{(\w+)\}", lambda name: "7" if "rejection" in name[1] else str(UUID(int=7)), path)
        yield Malformed(f"{method} {path}", method, filled, media_type, body)


def spoilt(example: Any, chance: random.Random) -> bytes:
    """A copy of the example that is wrong in one to three places, and perhaps no JSON any more."""
    value = json.loads(json.dumps(example))
    for _ in range(chance.randint(1, 3)):
        value = _spoil_value(value, chance)
    body = json.dumps(value, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    return chance.choice(SPOILERS)(body, chance) if chance.random() < 0.4 else body


def _spoil_value(value: Any, chance: random.Random) -> Any:
    """Go down some way at random, and put something else there, leave it out or add to it."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        name = chance.choice(list(value))
        if chance.random() < 0.15:
            return {key: each for key, each in value.items() if key != name}
        if chance.random() < 0.15:
            return value | {chance.choice(["", "x", "\x00", name.upper()]): chance.choice(HOSTILE)}
        return value | {name: _spoil_value(value[name], chance)}
    if isinstance(value, list) and value and chance.random() < 0.8:
        place = chance.randrange(len(value))
        return [*value[:place], _spoil_value(value[place], chance), *value[place + 1 :]]
    return chance.choice(HOSTILE)


def _cut(body: bytes, chance: random.Random) -> bytes:
    return body[: chance.randrange(len(body) + 1)]


def _flip(body: bytes, chance: random.Random) -> bytes:
    flipped = bytearray(body)
    for _ in range(chance.randint(1, 8)):
        flipped[chance.randrange(len(flipped))] = chance.randrange(256)
    return bytes(flipped)


def _insert(body: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(body) + 1)
    return (
        body[:place]
        + chance.choice((b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\x00", b"//", b",,"))
        + body[place:]
    )


SPOILERS: Final[Sequence[Callable[[bytes, random.Random], bytes]]] = (
    _cut,
    _flip,
    _insert,
    lambda _body, _chance: b"",
    lambda body, _chance: body + body,
    lambda body, _chance: b"\xef\xbb\xbf" + body,
    lambda body, _chance: body.decode("utf-8", "replace").encode("utf-16"),
    lambda body, chance: b"[" * (depth := chance.randint(1, 60_000)) + body + b"]" * depth,
    lambda body, chance: b'{"a":' * chance.randint(1, 20_000) + body,
    lambda body, _chance: body.replace(b"}", b',"x":NaN}', 1),
    lambda body, _chance: body[:-1] + b"," + body[1:] if body[:1] == b"{" else body,
)
"""What is done to bytes. The last one says everything twice."""


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Method, path and an example of each body."""
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if content := operation.get("requestBody", {}).get("content"):
                told = content["application/json"]
                yield method.upper(), path, told.get("example") or example_of(told["schema"], schemas)


def example_of(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """What the schema says itself, or the examples of its parts; None where it says nothing."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "examples" in schema:
        return schema["examples"][0]
    if "properties" in schema:
        return {name: example_of(part, schemas) for name, part in schema["properties"].items()}
    if "items" in schema:
        return [example_of(schema["items"], schemas)]
    for among in ("anyOf", "enum"):
        if among in schema:
            first = schema[among][0]
            return example_of(first, schemas) if among == "anyOf" else first
    return schema.get("default")
