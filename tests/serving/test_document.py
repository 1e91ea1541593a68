"""The OpenAPI document: what others generate clients from."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from serving.description import openapi_json
from serving.document import TAGS

DOCUMENT: dict[str, Any] = json.loads(openapi_json())
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}


def test_every_operation_has_a_name_that_can_be_called() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]

    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)
    assert OPERATIONS["GET /api/v1/auth/me"]["operationId"] == "read_me"


def test_every_tag_is_described_and_used() -> None:
    assert {tag for operation in OPERATIONS.values() for tag in operation["tags"]} == set(TAGS)


def test_whatever_takes_a_body_says_that_it_may_be_unreadable_or_too_large() -> None:
    with_body = {route: of for route, of in OPERATIONS.items() if "requestBody" in of}

    assert len(with_body) > 15
    assert [route for route, of in with_body.items() if not {"400", "413"} <= set(of["responses"])] == []


def test_the_example_of_a_problem_has_the_status_that_it_is_shown_for() -> None:
    shown = [
        (status, content["example"]["status"])
        for of in OPERATIONS.values()
        for status, answer in of["responses"].items()
        for media_type, content in answer.get("content", {}).items()
        if media_type == "application/problem+json" and "example" in content
    ]

    assert len(shown) > 200
    assert [pair for pair in shown if pair[0] != str(pair[1])] == []


def test_no_parameter_is_null() -> None:
    schemas = [parameter["schema"] for of in OPERATIONS.values() for parameter in of.get("parameters", [])]

    assert len(schemas) > 50
    assert [schema for schema in schemas if "null" in json.dumps(schema)] == []


@pytest.mark.parametrize(
    ("status", "header"),
    [
        ("200", "ETag"),
        ("304", "ETag"),
        ("401", "WWW-Authenticate"),
        ("503", "Retry-After"),
        ("429", "RateLimit"),
    ],
)
def test_answers_say_their_headers(status: str, header: str) -> None:
    headers = OPERATIONS["GET /api/v1/auth/me"]["responses"][status]["headers"]

    assert headers[header] == {"$ref": f"#/components/headers/{header}"}
    assert DOCUMENT["components"]["headers"][header]["example"]


async def test_a_method_that_is_not_allowed_is_told_all_that_are(client: httpx.AsyncClient) -> None:
    answer = await client.put("/api/v1/auth/me")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "DELETE, GET, PATCH"
