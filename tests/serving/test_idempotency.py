"""`Idempotency-Key`: every route that makes or causes something takes one, written down once more by hand."""

from __future__ import annotations

import asyncio
import hashlib
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import psycopg
import pytest

from aurora.settings import Settings
from serving.idempotency import IDEMPOTENCY_KEY, KEPT
from serving.jobs.tasks import CHORES
from tests.serving.audit.mutations import Situation
from tests.serving.conftest import an_event, log_in
from tests.serving.test_authorisation import documented, with_role
from tests.serving.webhooks.networks import running_where_every_host_is_public

EVENTS: Final = "/api/v1/events"

TAKES_A_KEY: Final = {
    f"POST {EVENTS}",
    f"POST {EVENTS}/batch",
    "POST /api/v1/api-keys",
    "POST /api/v1/webhooks",
    "POST /api/v1/webhooks/{webhook_id}/secret",
    "POST /api/v1/webhooks/{webhook_id}/test",
    "POST /api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/retry",
    "POST /api/v1/rejected-events/{rejection_id}/replay",
    "POST /api/v1/admin/announcements",
}

TAKES_NONE: Final[dict[str, str]] = {
    "POST /api/v1/auth/register": "nobody is known yet whose key it would be; repeated, the user name is taken",
    "POST /api/v1/auth/login": "nor is anybody here; repeated, it is another login, which can be closed",
    "POST /api/v1/auth/refresh": "a refresh token is its own key: it works once, with a grace for its twin",
    "POST /api/v1/auth/logout": "what is closed is closed",
    "POST /api/v1/auth/password": "repeated, the current password is another by then",
    "POST /api/v1/auth/email": "repeated, the same address waits, and the link before is void",
    "POST /api/v1/auth/email/verification": "each link does the same, once; five of them an hour, no more",
    "POST /api/v1/auth/email/confirm": "the token of the link is its own key: it works once",
    "POST /api/v1/auth/password/forgotten": "nobody is known; of links the last one holds, five an hour",
    "POST /api/v1/auth/password/reset": "the token of the link is its own key: it works once",
    "POST /api/v1/rejected-events/{rejection_id}/discard": "what is discarded is discarded: the answer is the same",
    "POST /api/v1/predictions/what-if": "asks, and changes nothing",
    "POST /api/v1/ws/tickets": "another ticket does no harm, and is over in half a minute",
}
"""Routes that take no key, and why: a new one has to say so here, or take one."""


def test_every_post_takes_a_key_or_says_why_not() -> None:
    posts = {route: told for route, told in documented().items() if route.startswith("POST ")}
    taking = {
        route
        for route, operation in posts.items()
        if any(each["name"] == IDEMPOTENCY_KEY.name for each in operation.get("parameters", []))
    }

    assert taking == TAKES_A_KEY
    assert posts.keys() - taking == TAKES_NONE.keys()


@pytest.fixture(scope="module")
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with running_where_every_host_is_public(settings) as client:
        yield client


@pytest.fixture
async def situation(client: httpx.AsyncClient, api_database: str) -> Situation:
    admin = await with_role(client, api_database, "admin")
    return await Situation(client, api_database, await log_in(client), admin).prepare()


async def perform(situation: Situation, route: str, key: str, event: dict[str, Any]) -> httpx.Response:
    headers = {"Idempotency-Key": key}
    if route == f"POST {EVENTS}":
        return await situation.client.post(EVENTS, json=event, headers=situation.ada.headers | headers)
    if route == f"POST {EVENTS}/batch":
        batch = {"events": [event]}
        return await situation.client.post(
            f"{EVENTS}/batch", json=batch, headers=situation.ada.headers | headers
        )
    return await situation.perform(route, uuid.uuid4().hex, headers)


def age(url: str, key: str, hours: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        aged = connection.execute(
            "update app.idempotency_keys set created_at = created_at - %s * interval '1 hour' where key = %s",
            (hours, key),
        )
        assert aged.rowcount == 1


def count_rows(url: str) -> dict[str, int]:
    """How many rows there are of what these routes make."""
    tables = (
        "app.api_keys", "app.webhooks", "app.webhook_secrets", "app.webhook_deliveries", "app.notices",
        "app.audit", "app.idempotency_keys", "raw.events", "raw.outbox", "raw.rejected_events",
    )  # fmt: skip
    with psycopg.connect(url) as connection:
        return {
            name: connection.execute(f"select count(*) from {name}").fetchall()[0][0]  # type: ignore[arg-type]
            for name in tables
        }


@pytest.mark.parametrize("route", sorted(TAKES_A_KEY))
async def test_sent_again_with_its_key_a_request_does_nothing_and_gets_the_first_answer(
    situation: Situation, route: str
) -> None:
    key, event = str(uuid.uuid4()), an_event()
    first = await perform(situation, route, key, event)
    done = count_rows(situation.owner_url)
    again = await perform(situation, route, key, event)

    assert first.is_success, first.text
    assert "idempotency-replayed" not in first.headers
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert count_rows(situation.owner_url) == done


@pytest.mark.parametrize("route", sorted(TAKES_A_KEY))
async def test_after_a_day_a_key_is_free_again_whether_or_not_anybody_has_tidied_up(
    situation: Situation, route: str
) -> None:
    key, event = str(uuid.uuid4()), an_event()
    first = await perform(situation, route, key, event)
    age(situation.owner_url, key, 23)
    soon = await perform(situation, route, key, event)
    age(situation.owner_url, key, 2)
    late = await perform(situation, route, key, event | {"event_id": str(uuid.uuid4())})
    again = await perform(situation, route, key, event | {"event_id": late_id(late, event)})

    assert first.is_success, first.text
    assert soon.headers["idempotency-replayed"] == "true"
    assert late.is_success, late.text
    assert "idempotency-replayed" not in late.headers
    assert again.json() == late.json()
    assert again.headers["idempotency-replayed"] == "true"


def late_id(answer: httpx.Response, event: dict[str, Any]) -> str:
    """The id of the event that was answered, where it was one."""
    body = answer.json()
    return body.get("event_id") or body.get("items", [event])[0].get("event_id")


def test_rows_are_deleted_when_their_keys_are_free() -> None:
    [chore] = [chore for chore in CHORES if chore.table == "app.idempotency_keys"]

    assert chore.may_go == f"created_at < now() - {KEPT}"


@pytest.mark.parametrize("route", ["POST /api/v1/api-keys", "POST /api/v1/webhooks/{webhook_id}/secret"])
async def test_a_secret_that_is_told_again_is_nowhere_in_clear(situation: Situation, route: str) -> None:
    answer = await perform(situation, route, str(uuid.uuid4()), {})
    told = answer.json()
    secret = (told.get("key") or told["secret"]).removeprefix("aurora_key_").removeprefix("whsec_")

    with psycopg.connect(situation.owner_url) as connection:
        [(kept,)] = connection.execute(
            "select string_agg(keys::text, '') from app.idempotency_keys as keys"
        ).fetchall()
    assert secret not in kept


async def test_what_is_kept_of_a_request_cannot_be_guessed_from_what_is_written_in_the_database(
    situation: Situation,
) -> None:
    key, body = str(uuid.uuid4()), json.dumps(an_event(note="I said yes")).encode()
    headers = situation.ada.headers | {"Idempotency-Key": key, "Content-Type": "application/json"}
    answer = await situation.client.post(EVENTS, content=body, headers=headers)
    assert answer.status_code == 201, answer.text

    asked = f"POST {EVENTS} ".encode()
    guesses = [hashlib.sha256(asked + part).digest() for part in (body, hashlib.sha256(body).digest())]
    with psycopg.connect(situation.owner_url) as connection:
        [(kept,)] = connection.execute(
            "select request_hash from app.idempotency_keys where key = %s", (key,)
        ).fetchall()
    assert kept not in guesses


async def test_what_was_refused_may_be_asked_again_with_its_key(situation: Situation) -> None:
    client, ada = situation.client, situation.ada
    path, headers = "/api/v1/api-keys", ada.headers | {"Idempotency-Key": str(uuid.uuid4())}
    body = {"name": "x", "scopes": ["models:read"]}
    refused = await client.post(path, json=body, headers=headers)
    with psycopg.connect(situation.owner_url, autocommit=True) as connection:
        connection.execute("update app.users set role = 'analyst' where user_id = %s", (ada.user_id,))
    # The API knows her from the first request, and hears a moment later that she changed.
    async with asyncio.timeout(10):
        while (made := await client.post(path, json=body, headers=headers)).status_code == 403:
            pass

    assert (refused.status_code, made.status_code) == (403, 201)


async def test_one_key_of_two_people_is_two(client: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    body = {"name": "x", "scopes": ["events:read"]}
    made = [
        await client.post("/api/v1/api-keys", json=body, headers=(await log_in(client)).headers | key)
        for _ in range(2)
    ]

    assert made[0].json()["key"] != made[1].json()["key"]
