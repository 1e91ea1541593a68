"""Nothing is decided by what a replica says: only routes that read ask for a connection to it.

A replica may be behind. Whoever changes something by what they read there changes what is not so any more.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

import serving
import serving.replica
from serving.app import NOUNS
from serving.dependencies import open_reading

ROOT: Final = Path(serving.__file__).parent
METHODS: Final = {"reading"}
"""Of `serving.replica.Replica`: what gives a connection to the replica."""

Place = tuple[str, str]
"""A module, and the outermost function or class there."""


def routes() -> list[APIRoute]:
    return [route for part in NOUNS for route in part.router.routes if isinstance(route, APIRoute)]


def asks_for(dependant: Dependant, dependency: Callable[..., Any]) -> bool:
    return dependant.call is dependency or any(asks_for(each, dependency) for each in dependant.dependencies)


def place_of(endpoint: Callable[..., Any]) -> Place:
    return endpoint.__module__, endpoint.__qualname__


def places_that_read(source: str, module: str) -> Iterator[Place]:
    """Where a connection to the replica is asked for, by whatever name the replica goes there."""
    for outer in ast.parse(source).body:
        for node in ast.walk(outer):
            if isinstance(node, ast.Attribute) and node.attr in METHODS:
                yield module, getattr(outer, "name", "")


def all_places() -> set[Place]:
    return {
        place
        for path in ROOT.rglob("*.py")
        for place in places_that_read(
            path.read_text(), ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
        )
    }


def test_a_route_that_asks_for_a_reading_only_reads() -> None:
    asking = [route for route in routes() if asks_for(route.dependant, open_reading)]

    assert asking
    assert {route.path: route.methods for route in asking if route.methods != {"GET"}} == {}


def test_a_replica_is_read_by_the_dependency_and_by_endpoints_that_only_read() -> None:
    reading = {place_of(route.endpoint) for route in routes() if route.methods == {"GET"}}
    changing = {place_of(route.endpoint) for route in routes() if route.methods != {"GET"}}
    places = all_places() - {place_of(open_reading)}

    assert len(places) >= 3
    assert places <= reading
    assert not places & changing


def test_no_other_way_leads_to_a_connection_of_the_replica() -> None:
    replica = inspect.getsource(serving.replica.Replica)
    public = {
        node.name
        for node in ast.walk(ast.parse(replica))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
    }

    assert public == METHODS | {"is_usable", "note_write", "watch", "close"}


def test_a_helper_that_reads_from_a_replica_would_be_found() -> None:
    source = "async def helper(standby, who):\n    async with standby.reading(who) as c:\n        return c\n"

    assert list(places_that_read(source, "serving.x")) == [("serving.x", "helper")]
