"""Where something that was received is not valid, told without a word of it.

What a sender calls a field may be as much of a secret as what is in it, so names that we do not know are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import takewhile
from typing import Any

from pydantic import TypeAdapter


def told_location(location: Iterable[int | str], kind: Any) -> str:
    """A location of Pydantic's within a value of this type, up to the first part that is no field and no position."""
    known = _names_of(kind)
    return ".".join(
        str(part) for part in takewhile(lambda part: isinstance(part, int) or part in known, location)
    )


@cache
def _names_of(kind: Any) -> frozenset[str]:
    """Every name that the schema of a type has for something that may be sent."""
    return frozenset(_names_in(TypeAdapter(kind).json_schema()))


def _names_in(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for part in schema:
            yield from _names_in(part)
    elif isinstance(schema, Mapping):
        yield from schema.get("properties", {})
        yield from schema.get("propertyNames", {}).get("enum", [])
        for part in schema.values():
            yield from _names_in(part)
