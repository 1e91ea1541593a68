"""Everything in the OpenAPI document has an example, and each is what the document says that it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from serving.description import openapi_json
from serving.examples import NoExampleError, composed
from serving.problem_types import STATUS_OF
from serving.problems import TYPE_PREFIX

DOCUMENT: dict[str, Any] = json.loads(openapi_json())


def shown() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every parameter, body, answer and header of the document, and where it is."""
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            place = f"{method.upper()} {path}"
            for parameter in operation.get("parameters", []):
                yield f"{place} {parameter['in']} {parameter['name']}", parameter
            for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
                yield f"{place} {media_type}", content
            for status, answer in operation["responses"].items():
                for media_type, content in answer.get("content", {}).items():
                    yield f"{place} {status} {media_type}", content
    yield from DOCUMENT["components"]["headers"].items()


def problems() -> Iterator[tuple[str, int, dict[str, Any]]]:
    for place, content in shown():
        if place.endswith(" application/problem+json"):
            yield place, int(place.split(" ")[-2]), content["example"]


def flaws_of(schema: dict[str, Any], example: Any) -> list[str]:
    """What is not valid of it. References lead into the document."""
    whole = schema | {"components": DOCUMENT["components"]}
    validator = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [error.message for error in validator.iter_errors(example)]


def test_everything_has_an_example() -> None:
    places = dict(shown())

    assert len(places) > 500
    assert [place for place, content in places.items() if "example" not in content] == []


def test_every_example_is_valid() -> None:
    flaws = {place: flaws_of(content["schema"], content["example"]) for place, content in shown()}

    assert {place: found for place, found in flaws.items() if found} == {}


def test_a_page_is_shown_whole() -> None:
    answer = DOCUMENT["paths"]["/api/v1/auth/sessions"]["get"]["responses"]["200"]
    example = answer["content"]["application/json"]["example"]

    assert example["items"][0]["user_agent"]
    assert example["next_cursor"]


def test_every_problem_that_is_shown_is_one_of_its_status() -> None:
    kinds = {kind.code: kind for kind in STATUS_OF.values()}
    codes = set()
    for place, status, example in problems():
        codes.add(example["code"])
        assert example["status"] == status, place
        assert example["type"] == TYPE_PREFIX + example["code"], place
        if example["code"] != "request-invalid":
            assert (kinds[example["code"]].status, kinds[example["code"]].title) == (status, example["title"])

    assert len(codes) > 20


def test_what_nobody_said_an_example_of_fails() -> None:
    with pytest.raises(NoExampleError, match="Secret"):
        composed({"type": "object", "properties": {"x": {"type": "string", "title": "Secret"}}}, {})
