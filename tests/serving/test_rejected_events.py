"""A person's own dead letters: seen, replayed after a fix, discarded; and nobody else's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest

from aurora.events.catalogue import EVENT_TYPES, EventType
from aurora.events.payloads import Note
from tests.serving.conftest import Account, an_event, log_in

PATH = "/api/v1/rejected-events"


async def post_dream(client: httpx.AsyncClient, who: Account, **changes: Any) -> None:
    event = an_event(type="dream.remembered", payload={}, **changes)
    answer = await client.post("/api/v1/events", json=event, headers=who.headers)
    assert answer.status_code == 422, answer.text


async def read_all(client: httpx.AsyncClient, who: Account, **query: Any) -> dict[str, Any]:
    answer = await client.get(PATH, params=query, headers=who.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def learn_dreams(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return lambda: monkeypatch.setitem(
        EVENT_TYPES, "dream.remembered", EventType("dream.remembered", Note, "A dream.")
    )


async def test_a_rejected_event_is_listed_with_its_reason_and_its_readable_note(
    client: httpx.AsyncClient, ada: Account, api_database: str
) -> None:
    await post_dream(client, ada, note="I flew.")

    [item] = (await read_all(client, ada))["items"]

    assert (item["reason_code"], item["state"], item["source"]) == ("unknown_type", "waiting", "api")
    assert "not in the catalogue" in item["means"]
    assert item["body"]["note"] == "I flew."
    with psycopg.connect(api_database) as connection:
        row = connection.execute(
            "select count(*) from raw.rejected_events where body like '%flew%'"
        ).fetchone()
        assert row == (0,)


async def test_after_a_fix_it_is_replayed_once(
    client: httpx.AsyncClient, ada: Account, learn_dreams: Callable[[], None]
) -> None:
    await post_dream(client, ada, note="I flew.")
    [item] = (await read_all(client, ada))["items"]
    place = f"{PATH}/{item['rejection_id']}"

    before = (await client.post(f"{place}/replay", headers=ada.headers)).json()
    learn_dreams()
    after = (await client.post(f"{place}/replay", headers=ada.headers)).json()
    again = (await client.post(f"{place}/replay", headers=ada.headers)).json()

    assert (before["outcome"], before["code"]) == ("rejected", "unknown_type")
    assert after["outcome"] == "accepted"
    assert again == {"outcome": "settled"}
    assert (await read_all(client, ada))["items"] == []
    assert [i["state"] for i in (await read_all(client, ada, settled=True))["items"]] == ["replayed"]
    event = (await client.get(f"/api/v1/events/{after['event_id']}", headers=ada.headers)).json()
    assert event["note"] == "I flew."


async def test_a_twin_that_was_sent_meanwhile_is_a_duplicate_and_another_body_a_conflict(
    client: httpx.AsyncClient, ada: Account, learn_dreams: Callable[[], None]
) -> None:
    dream = an_event(type="dream.remembered", payload={})
    other = an_event(type="dream.remembered", payload={})
    for event in (dream, other):
        await client.post("/api/v1/events", json=event, headers=ada.headers)
    learn_dreams()
    for event in (dream, other | {"form_id": "another"}):
        await client.post("/api/v1/events", json=event, headers=ada.headers)
    letters = (await read_all(client, ada))["items"]

    verdicts = {
        letter["body"]["event_id"]: (
            await client.post(f"{PATH}/{letter['rejection_id']}/replay", headers=ada.headers)
        ).json()["outcome"]
        for letter in letters
    }

    assert verdicts == {dream["event_id"]: "duplicate", other["event_id"]: "conflict"}
    assert len((await read_all(client, ada))["items"]) == 1


async def test_what_is_discarded_waits_no_longer_and_is_not_replayed(
    client: httpx.AsyncClient, ada: Account, learn_dreams: Callable[[], None]
) -> None:
    await post_dream(client, ada)
    [item] = (await read_all(client, ada))["items"]
    place = f"{PATH}/{item['rejection_id']}"
    learn_dreams()

    for _ in range(2):
        discarded = await client.post(f"{place}/discard", headers=ada.headers)
        assert (discarded.status_code, discarded.json()["state"]) == (200, "discarded")

    assert (await client.post(f"{place}/replay", headers=ada.headers)).json() == {"outcome": "settled"}
    assert (await client.get("/api/v1/events", headers=ada.headers)).json()["items"] == []


async def test_nobody_sees_what_is_not_theirs(client: httpx.AsyncClient, ada: Account) -> None:
    await post_dream(client, ada)
    [item] = (await read_all(client, ada))["items"]
    bo = await log_in(client)
    place = f"{PATH}/{item['rejection_id']}"

    assert (await read_all(client, bo, settled=True))["items"] == []
    answers = [
        await client.get(place, headers=bo.headers),
        await client.post(f"{place}/replay", headers=bo.headers),
        await client.post(f"{place}/discard", headers=bo.headers),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (404, "rejected-event-not-found")
    ] * 3
    assert (await client.get(PATH)).status_code == 401


async def test_pages_follow_one_another_and_a_reason_can_be_asked_for(
    client: httpx.AsyncClient, ada: Account
) -> None:
    for _ in range(3):
        await post_dream(client, ada)

    first = await read_all(client, ada, limit=2)
    second = await read_all(client, ada, limit=2, cursor=first["next_cursor"])

    ids = [item["rejection_id"] for page in (first, second) for item in page["items"]]
    assert ids == sorted(set(ids), reverse=True)
    assert len(ids) == 3
    assert second["next_cursor"] is None
    assert (await read_all(client, ada, reason_code="too_large"))["items"] == []


async def test_what_is_no_event_at_all_is_shown_without_a_body(
    client: httpx.AsyncClient, ada: Account
) -> None:
    await client.post(
        "/api/v1/events", content=b"{broken", headers=ada.headers | {"Content-Type": "application/json"}
    )
    [item] = (await read_all(client, ada))["items"]

    verdict = (await client.post(f"{PATH}/{item['rejection_id']}/replay", headers=ada.headers)).json()

    assert (item["reason_code"], item["body"]) == ("undecodable", None)
    assert (verdict["outcome"], verdict["code"]) == ("rejected", "undecodable")
