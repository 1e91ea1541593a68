"""The AsyncAPI document: well-formed, true, and the one source of the types of the clients."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from aurora.cli import build
from aurora.notices.messages import PERSONAL_SUBJECTS
from serving.live.asyncapi import asyncapi
from serving.live.client_types import client_types
from serving.live.messages import RECEIVED, SENT, TOLD, read_action
from tests.serving.live_schemas import told_as_described, validator

PROJECT = Path(__file__).parents[2]
DOCUMENT = asyncapi()
MESSAGES = DOCUMENT["components"]["messages"]


def resolve(ref: str) -> Any:
    """What a reference within the document points at."""
    assert ref.startswith("#/"), ref
    found: Any = DOCUMENT
    for part in ref.removeprefix("#/").split("/"):
        found = found[part]
    return found


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if "$ref" in part else []
        return own + [ref for value in part.values() for ref in references(value)]
    return [ref for item in part for ref in references(item)] if isinstance(part, list) else []


def test_it_has_the_form_of_asyncapi_3() -> None:
    """What the JSON Schema of AsyncAPI 3.0.0 asks of the parts that we use."""
    allowed = {
        "asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations", "components"
    }  # fmt: skip
    assert set(DOCUMENT) <= allowed
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(DOCUMENT["info"])
    for server in DOCUMENT["servers"].values():
        assert {"host", "protocol"} <= set(server)
        assert "://" not in server["host"]
    for channel in DOCUMENT["channels"].values():
        assert set(channel) <= {"address", "title", "messages", "servers", "bindings", "description"}
        assert set(channel["bindings"]["ws"]) <= {"method", "query", "headers", "bindingVersion"}
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in {"send", "receive"}
        channel = operation["channel"]["$ref"]
        assert all(ref["$ref"].startswith(f"{channel}/messages/") for ref in operation["messages"])
    for message in MESSAGES.values():
        assert set(message) <= {"name", "title", "summary", "contentType", "payload", "examples"}
        assert all(
            set(example) <= {"name", "summary", "headers", "payload"} for example in message["examples"]
        )


def test_every_reference_leads_somewhere() -> None:
    found = references(DOCUMENT)

    assert len(found) > 30
    assert all(resolve(ref) for ref in found)


def test_every_schema_is_a_schema() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_message_is_in_it_and_says_what_it_is_for() -> None:
    assert set(MESSAGES) == {model.__name__ for model in (*SENT, *RECEIVED)}
    assert all(len(message["summary"]) > 10 for message in MESSAGES.values())
    subjects = {model.model_fields["subject"].default for model in TOLD}
    assert subjects == {*PERSONAL_SUBJECTS, "announcements"}


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_every_example_is_what_its_schema_says(name: str) -> None:
    for example in MESSAGES[name]["examples"]:
        validator(name).validate(example["payload"])
        if name in {model.__name__ for model in SENT}:
            told_as_described(example["payload"])
        else:
            assert not isinstance(read_action(json.dumps(example["payload"])), str)


async def test_it_is_served_with_the_address_it_was_asked_at(client: httpx.AsyncClient) -> None:
    served = (await client.get("/api/v1/asyncapi.json")).json()

    assert served["servers"]["api"] == {**DOCUMENT["servers"]["api"], "host": "api"}
    assert served["components"] == json.loads(json.dumps(DOCUMENT["components"]))


def test_the_command_writes_it(tmp_path: Path) -> None:
    file = tmp_path / "asyncapi.json"
    result = CliRunner().invoke(build(), ["api", "asyncapi", str(file)])

    assert result.exit_code == 0, result.output
    assert json.loads(file.read_text()) == json.loads(json.dumps(DOCUMENT))


def test_the_types_of_the_clients_are_up_to_date() -> None:
    for name, text in client_types().items():
        assert (PROJECT / name).read_text() == text, f"{name}: run `make generate`"
