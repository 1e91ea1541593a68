"""Every type that webhooks are sent is described the moment it exists."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import jsonschema
import pytest
from standardwebhooks import WebhookVerificationError

from aurora.notices.messages import PERSONAL_SUBJECTS
from serving.description import openapi_json
from serving.live.asyncapi import example_of
from serving.webhooks.catalogue import TESTED, TYPE_OF_SUBJECT, WEBHOOK_TYPES, WebhookType, message
from serving.webhooks.documentation import webhook_schemas
from serving.webhooks.signing import new_secret, signed_headers
from tests.serving.live_server import NOW

DOCUMENT: dict[str, Any] = json.loads(openapi_json())
TEXT = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
types = pytest.mark.parametrize("kind", WEBHOOK_TYPES.values(), ids=WEBHOOK_TYPES)


def test_everything_that_a_person_is_told_can_be_subscribed_to() -> None:
    assert set(TYPE_OF_SUBJECT) == set(PERSONAL_SUBJECTS)


@types
def test_a_type_is_a_noun_and_a_past_participle_and_says_what_it_is(kind: WebhookType) -> None:
    assert re.fullmatch(r"[a-z]+\.([a-z]+ed|made)", kind.name)
    assert kind.description.endswith(".")


@types
def test_a_type_is_in_the_openapi_document_with_a_schema_that_its_messages_have(kind: WebhookType) -> None:
    operation = DOCUMENT["webhooks"][kind.name]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    data = example_of(webhook_schemas()[kind.data.__name__], webhook_schemas())
    sent = json.loads(message(kind, NOW, 7, json.dumps(data)))

    jsonschema.validate(sent, schema | {"components": DOCUMENT["components"]})
    assert {parameter["name"] for parameter in operation["parameters"]} == {
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    }


def test_no_schema_of_a_webhook_takes_the_name_of_another() -> None:
    names = re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(DOCUMENT["paths"]))

    assert set(webhook_schemas()) & set(names) == set()


def test_the_documentation_lists_every_type() -> None:
    listed = re.findall(r"^\| `([a-z]+\.[a-z]+)` \|", TEXT.split("<!-- webhook types")[1], re.MULTILINE)

    assert set(listed) == set(WEBHOOK_TYPES)


def test_the_documentation_verifies_a_message_as_it_says() -> None:
    [code] = re.findall(r"```python\n(.*?)```", TEXT.split("## Webhooks")[1].split("\n## ")[0], re.DOTALL)
    told: dict[str, Any] = {}
    exec(code, told)  # noqa: S102  # our own documentation
    secret, body = new_secret(), message(TESTED, NOW, None, "{}")
    headers = signed_headers(uuid4(), datetime.now(UTC), body, [new_secret(), secret])

    assert told["read_webhook"](secret, headers, body.encode())["type"] == "webhook.tested"
    with pytest.raises(WebhookVerificationError):
        told["read_webhook"](secret, headers, body.replace("tested", "forged").encode())
