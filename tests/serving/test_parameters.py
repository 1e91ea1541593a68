"""Parameters are as strict as the document says."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from serving.app import NOUNS
from serving.description import openapi_json
from serving.strict_routes import StrictRoute
from tests.serving.conftest import Account
from tests.serving.routes import ROUTES
from tests.serving.test_authorisation import with_role

PATHS: dict[str, dict[str, Any]] = json.loads(openapi_json())["paths"]


def parameters_in(path: str, method: str) -> list[dict[str, Any]]:
    return PATHS[path][method.lower()].get("parameters", [])


def parameters_of(kind: str) -> list[tuple[str, str]]:
    """Every operation that has a parameter of this type, and the parameter's name."""
    return [
        (f"{method.upper()} {path}", parameter["name"])
        for path, methods in PATHS.items()
        for method in methods
        for parameter in parameters_in(path, method)
        if parameter["schema"].get("type") == kind
    ]


async def ask(
    client: httpx.AsyncClient, who: Account, operation: str, name: str, written: str
) -> httpx.Response:
    """Ask for it with this parameter written like that, and with ids that nobody has."""
    method, path = operation.split(" ")
    ids = {
        each["name"]: "4711"
        if each["schema"]["type"] == "integer"
        else "00000000-0000-0000-0000-000000000007"
        for each in parameters_in(path, method)
        if each["in"] == "path"
    }
    query = {} if name in ids else {name: written}
    # An empty part of a path would be another path.
    path = path.format(**ids | ({name: quote(written) or "-"} if name in ids else {}))
    return await client.request(method, path, params=query, headers=who.headers)


@pytest.mark.parametrize(
    "day", ["0", "1700000000", "2026-3-29", "20260329", "2026-02-30", "2026-03-29T00:00:00"]
)
@pytest.mark.parametrize("query", ["timeline?to=", "scores/history?from=", "patterns?week="])
async def test_a_day_is_written_in_one_way(
    client: httpx.AsyncClient, ada: Account, query: str, day: str
) -> None:
    answer = await client.get(f"/api/v1/{query}{day}", headers=ada.headers)

    assert answer.status_code == 422
    assert answer.json()["code"] == "request-invalid"


@pytest.mark.parametrize("instant", ["0", "1700000000", "2026-03-29T10:00:00", "noon"])
async def test_an_instant_has_an_offset_and_is_no_number(
    client: httpx.AsyncClient, ada: Account, instant: str
) -> None:
    answer = await client.get("/api/v1/events", params={"from": instant}, headers=ada.headers)

    assert answer.status_code == 422


async def test_an_instant_may_have_any_offset(client: httpx.AsyncClient, ada: Account) -> None:
    answer = await client.get(
        "/api/v1/events", params={"from": "2026-03-29T10:00:00+02:00"}, headers=ada.headers
    )

    assert answer.status_code == 200


@pytest.mark.parametrize("value", ["yes", 1, "true", None])
async def test_a_webhook_is_enabled_by_true_alone(
    client: httpx.AsyncClient, ada: Account, value: object
) -> None:
    path = "/api/v1/webhooks/00000000-0000-0000-0000-000000000007"

    answer = await client.patch(path, json={"is_enabled": value}, headers=ada.headers)

    assert answer.status_code == 422


def test_every_route_of_the_api_is_strict_about_its_query() -> None:
    routes = [route for part in NOUNS for route in part.router.routes]

    assert len(routes) == len([route for route in ROUTES if "/api/" in route])
    assert [route for route in routes if not isinstance(route, StrictRoute)] == []


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("integer", ["1.0", " +1_0", "+10", "1_0", "1e1", "0x1", "٣", " 1", "1 ", "-", ""]),
        ("boolean", ["yes", "1", "on", "True", "t", " true", ""]),
    ],
)
async def test_numbers_and_booleans_are_written_in_one_way(
    client: httpx.AsyncClient, api_database: str, kind: str, wrong: list[str]
) -> None:
    admin = await with_role(client, api_database, "admin")
    taken = []
    for operation, name in parameters_of(kind):
        for written in wrong:
            answer = await ask(client, admin, operation, name, written)
            told = [flaw["location"].rpartition(".")[2] for flaw in answer.json().get("errors", [])]
            if answer.status_code != 422 or told != [name]:
                taken.append(f"{operation} {name}={written!r}: {answer.text}")

    assert taken == []


@pytest.mark.parametrize("route", [route for route in ROUTES if "/api/" in route])
async def test_a_query_parameter_that_there_is_not_is_refused_and_those_that_are_named(
    client: httpx.AsyncClient, ada: Account, route: str
) -> None:
    method, path = route.split(" ")
    known = [each["name"] for each in parameters_in(path, method) if each["in"] == "query"]

    answer = await client.request(method, path, params={"lmit": "my-secret"}, headers=ada.headers)

    assert (answer.status_code, answer.json()["code"]) == (422, "parameter-invalid")
    assert [name for name in known if f"`{name}`" not in answer.json()["detail"]] == []
    assert not {"lmit", "my-secret"} & set(answer.text.replace("`", " ").split())


async def test_a_query_parameter_is_given_once(client: httpx.AsyncClient, ada: Account) -> None:
    answer = await client.get("/api/v1/events?limit=1&limit=2", headers=ada.headers)

    assert (answer.status_code, answer.json()["code"]) == (422, "parameter-invalid")


async def test_a_method_that_there_is_not_is_told_before_a_parameter(client: httpx.AsyncClient) -> None:
    answer = await client.put("/api/v1/auth/me?lmit=1")

    assert answer.status_code == 405


def test_a_whole_number_has_its_bounds_in_the_document() -> None:
    [limit] = [each for each in parameters_in("/api/v1/events", "get") if each["name"] == "limit"]

    assert (limit["schema"]["minimum"], limit["schema"]["maximum"]) == (1, 500)
