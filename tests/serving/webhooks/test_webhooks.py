"""The webhooks of a person on the API."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from serving.webhooks.destinations import Destinations
from tests.serving.conftest import Account, log_in
from tests.serving.live_server import numbered
from tests.serving.webhooks.conftest import PATH, World, webhook_options
from tests.serving.webhooks.networks import PUBLIC, Names, strict_rules
from tests.serving.webhooks.receiver import Receiver

NOBODYS = "01934c1e-52a4-7d31-8f64-0f6a3f1f7c55"


def wanted(receiver: Receiver, **more: Any) -> dict[str, Any]:
    return {"url": receiver.url(), "event_types": ["events.changed"], **more}


async def test_a_webhook_shows_its_secret_once(world: World, receiver: Receiver) -> None:
    made = await world.ask("POST", status=201, json=wanted(receiver, description="My display"))
    shown = await world.ask("GET", f"/{made['webhook_id']}")

    assert made["secret"].startswith("whsec_")
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    assert (shown["is_enabled"], shown["description"]) == (True, "My display")
    assert (await world.ask("GET"))["items"] == [shown]


async def test_a_secret_is_nowhere_in_clear(world: World, receiver: Receiver) -> None:
    answer = await world.client.post(
        PATH, json=wanted(receiver), headers=world.ada.headers | {"Idempotency-Key": "one"}
    )
    secret = answer.json()["secret"].removeprefix("whsec_")

    for table in ("webhooks", "webhook_secrets", "idempotency_keys"):
        assert secret not in str(world.rows(f"select {table}::text as row from app.{table}"))


async def test_types_are_those_of_the_catalogue_once_each_in_its_order(
    world: World, receiver: Receiver
) -> None:
    types = ["scores.changed", "events.changed", "scores.changed"]
    made = await world.ask("POST", status=201, json=wanted(receiver, event_types=types))

    assert made["event_types"] == ["events.changed", "scores.changed"]


@pytest.mark.parametrize(
    "change",
    [
        {"event_types": []},
        {"event_types": ["mood.guessed"]},
        {"event_types": ["webhook.tested"]},
        {"event_types": None},
        {"url": ""},
        {"url": "https://example.org/" + "x" * 2000},
        {"description": ""},
        {"secret": "mine"},
    ],
)
async def test_a_webhook_that_makes_no_sense_is_refused(
    world: World, receiver: Receiver, change: dict[str, Any]
) -> None:
    refused = await world.ask("POST", status=422, json=wanted(receiver) | change)

    assert refused["code"] == "request-invalid"


async def test_a_url_that_nothing_would_be_sent_to_is_refused_when_it_is_named(world: World) -> None:
    app = app_of(world)
    app.state.resources.destinations = Destinations(Names([["10.0.0.1"]]), strict_rules())
    for url in ("http://example.org/", "https://127.0.0.1/", "https://intranet.example.org/"):
        refused = await world.ask("POST", status=422, json={"url": url, "event_types": ["events.changed"]})
        assert refused["code"] == "webhook-url-refused"

    assert world.rows("select count(*) from app.webhooks") == [{"count": 0}]


async def test_a_public_host_is_accepted_and_its_url_shown_as_it_is_used(world: World) -> None:
    app_of(world).state.resources.destinations = Destinations(Names.lead_to(PUBLIC), strict_rules())
    wish = {"url": "HTTPS://Example.org:443/hooks", "event_types": ["events.changed"]}

    assert (await world.ask("POST", status=201, json=wish))["url"] == "https://example.org/hooks"


def app_of(world: World) -> FastAPI:
    transport = world.client._transport
    assert isinstance(transport, httpx.ASGITransport)
    assert isinstance(transport.app, FastAPI)
    return transport.app


async def test_the_same_request_with_one_key_makes_one_webhook_and_gets_its_secret_again(
    world: World, receiver: Receiver
) -> None:
    headers = world.ada.headers | {"Idempotency-Key": "one"}
    first, again = [await world.client.post(PATH, json=wanted(receiver), headers=headers) for _ in range(2)]
    other = await world.client.post(PATH, json=wanted(receiver, description="x"), headers=headers)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert other.json()["code"] == "idempotency-key-reused"
    assert len((await world.ask("GET"))["items"]) == 1


async def test_a_person_has_so_many_webhooks_and_no_more(world: World, receiver: Receiver) -> None:
    app = app_of(world)
    app.state.resources.options.webhooks = webhook_options(per_person=2)
    for _ in range(2):
        await world.subscribe(receiver)

    assert (await world.ask("POST", status=409, json=wanted(receiver)))["code"] == "too-many-webhooks"


async def test_what_is_not_named_in_a_change_stays(world: World, receiver: Receiver) -> None:
    made = await world.ask("POST", status=201, json=wanted(receiver, description="My display"))
    path = f"/{made['webhook_id']}"

    changed = await world.ask("PATCH", path, json={"event_types": ["prediction.made"]})
    nothing = await world.ask("PATCH", path, json={})
    without = await world.ask("PATCH", path, json={"description": None})

    assert (changed["event_types"], changed["description"]) == (["prediction.made"], "My display")
    assert nothing == changed
    assert (without["description"], without["url"]) == (None, made["url"])


@pytest.mark.parametrize("change", [{"url": None}, {"event_types": None}, {"is_enabled": None}, {"x": 1}])
async def test_a_change_that_makes_no_sense_is_refused(
    world: World, receiver: Receiver, change: dict[str, Any]
) -> None:
    made = await world.subscribe(receiver)

    await world.ask("PATCH", f"/{made['webhook_id']}", status=422, json=change)


async def test_a_changed_url_is_checked_and_begins_with_a_clean_record(
    world: World, receiver: Receiver
) -> None:
    made = await world.subscribe(receiver)
    world.rows("update app.webhooks set failing_since = now()")
    path = f"/{made['webhook_id']}"

    refused = await world.ask("PATCH", path, status=422, json={"url": "https://10.0.0.1/"})
    changed = await world.ask("PATCH", path, json={"url": receiver.url("/new")})

    assert refused["code"] == "webhook-url-refused"
    assert (changed["url"], changed["failing_since"]) == (receiver.url("/new"), None)


async def test_two_apps_do_not_overwrite_each_others_changes(world: World, receiver: Receiver) -> None:
    url = f"{PATH}/{(await world.subscribe(receiver))['webhook_id']}"
    seen = await world.client.get(url, headers=world.ada.headers)
    unchanged = await world.client.get(
        url, headers=world.ada.headers | {"If-None-Match": seen.headers["etag"]}
    )
    if_match = world.ada.headers | {"If-Match": seen.headers["etag"]}

    first = await world.client.patch(url, json={"description": "first"}, headers=if_match)
    second = await world.client.patch(url, json={"description": "second"}, headers=if_match)

    assert unchanged.status_code == 304
    assert (first.status_code, second.status_code) == (200, 412)
    assert (await world.client.get(url, headers=world.ada.headers)).json()["description"] == "first"


async def test_a_secret_can_be_replaced_a_few_times_a_day(world: World, receiver: Receiver) -> None:
    made = await world.subscribe(receiver)
    path = f"/{made['webhook_id']}/secret"
    secrets = [made["secret"], *[(await world.ask("POST", path))["secret"] for _ in range(4)]]

    assert len(set(secrets)) == 5
    assert (await world.ask("POST", path, status=409))["code"] == "too-many-webhook-secrets"


async def test_a_test_that_waits_is_not_joined_by_another(world: World, receiver: Receiver) -> None:
    made = await world.subscribe(receiver)
    first, second = [await world.ask("POST", f"/{made['webhook_id']}/test", status=202) for _ in range(2)]

    assert first == second
    assert (first["type"], first["state"], first["attempts"]) == ("webhook.tested", "waiting", 0)


async def test_a_disabled_webhook_is_not_tested_and_sends_nothing_again(
    world: World, receiver: Receiver
) -> None:
    made = await world.subscribe(receiver)
    path = f"/{made['webhook_id']}"
    delivery = await world.ask("POST", f"{path}/test", status=202)
    disabled = await world.ask("PATCH", path, json={"is_enabled": False})

    assert (disabled["is_enabled"], disabled["disabled_reason"]) == (False, "owner")
    for rest in ("/test", f"/deliveries/{delivery['delivery_id']}/retry"):
        assert (await world.ask("POST", path + rest, status=409))["code"] == "webhook-disabled"


async def test_deliveries_are_read_in_pages_newest_first(world: World, receiver: Receiver) -> None:
    made = await world.subscribe(receiver)
    async with world.dispatching():
        for number in range(5):
            await world.tell(numbered(number))
        await world.until_settled(made, attempts=5)
    path, query, positions = f"/{made['webhook_id']}/deliveries", {"limit": 2, "state": "delivered"}, []
    cursor = None
    for _ in range(3):
        page = await world.ask("GET", path, params=query | ({"cursor": cursor} if cursor else {}))
        positions += [delivery["position"] for delivery in page["items"]]
        cursor = page["next_cursor"]

    assert cursor is None
    assert sorted(positions, reverse=True) == [5, 4, 3, 2, 1]
    assert await world.deliveries(made, state="failed") == []


async def test_nobody_sees_or_touches_the_webhooks_of_somebody_else(world: World, receiver: Receiver) -> None:
    made = await world.subscribe(receiver)
    delivery = await world.ask("POST", f"/{made['webhook_id']}/test", status=202)
    bo = await log_in(world.client)
    own = (await world.client.post(PATH, json=wanted(receiver), headers=bo.headers)).json()
    theirs, mine = f"/{made['webhook_id']}", f"/{own['webhook_id']}/deliveries/{delivery['delivery_id']}"

    assert [item["webhook_id"] for item in await listed(world, bo)] == [own["webhook_id"]]
    for method, path, code in [
        ("GET", theirs, "webhook-not-found"),
        ("PATCH", theirs, "webhook-not-found"),
        ("DELETE", theirs, "webhook-not-found"),
        ("POST", f"{theirs}/secret", "webhook-not-found"),
        ("POST", f"{theirs}/test", "webhook-not-found"),
        ("GET", f"{theirs}/deliveries", "webhook-not-found"),
        ("GET", f"{mine}/attempts", "webhook-delivery-not-found"),
        ("POST", f"{mine}/retry", "webhook-delivery-not-found"),
        ("GET", f"/{NOBODYS}", "webhook-not-found"),
    ]:
        body = {"is_enabled": False} if method == "PATCH" else None
        answer = await world.client.request(method, PATH + path, headers=bo.headers, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, code), (method, path)
    assert (await world.client.get(PATH)).status_code == 401


async def listed(world: World, who: Account) -> list[dict[str, Any]]:
    return (await world.client.get(PATH, headers=who.headers)).json()["items"]


async def test_webhooks_go_with_the_person(world: World, receiver: Receiver) -> None:
    made = await world.subscribe(receiver)
    await world.ask("POST", f"/{made['webhook_id']}/test", status=202)

    world.rows("delete from app.users where user_id = %s", world.ada.user_id)

    for table in ("webhooks", "webhook_secrets", "webhook_deliveries"):
        assert world.rows(f"select count(*) from app.{table}") == [{"count": 0}]
