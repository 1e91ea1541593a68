"""Single events in groups: one transaction for many requests, and no request that suffers for another."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from typing import Any, LiteralString

import httpx
import psycopg

from tests.serving.conftest import Account, an_event, log_in


def rows(url: str, query: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query, values).fetchall()


async def post(
    client: httpx.AsyncClient, who: Account, event: dict[str, Any], **headers: str
) -> httpx.Response:
    return await client.post("/api/v1/events", json=event, headers=who.headers | headers)


async def test_requests_of_the_same_moment_share_a_transaction_and_each_has_its_answer(
    client: httpx.AsyncClient, api_database: str
) -> None:
    people = [await log_in(client) for _ in range(3)]
    events = [(people[number % 3], an_event()) for number in range(60)]

    answers = await asyncio.gather(*(post(client, who, event) for who, event in events))

    assert Counter(answer.status_code for answer in answers) == {201: 60}
    for (_, event), answer in zip(events, answers, strict=True):
        assert answer.json()["event_id"] == event["event_id"]
    [(logged, transactions, announced)] = rows(
        api_database,
        "select count(*), count(distinct events.xmin::text), count(outbox.outbox_id) from raw.events as events"
        " left join raw.outbox as outbox on outbox.user_id = events.user_id"
        " and body ->> 'event_id' = events.event_id::text where events.user_id = any(%s::uuid[])",
        [person.user_id for person in people],
    )
    assert (logged, announced) == (60, 60)
    assert transactions < 30


async def test_what_is_wrong_with_one_request_is_its_own_answer(
    client: httpx.AsyncClient, ada: Account, api_database: str
) -> None:
    gone = await log_in(client)
    await client.post("/api/v1/auth/logout", headers=gone.headers)
    asked = [
        post(client, ada, an_event()),
        post(client, ada, an_event(type="mood.guessed")),
        post(client, gone, an_event()),
        client.post(
            "/api/v1/events", content=b"{", headers=ada.headers | {"Content-Type": "application/json"}
        ),
        post(client, ada, an_event()),
    ]

    answers = await asyncio.gather(*asked)

    assert [answer.status_code for answer in answers] == [201, 422, 401, 400, 201]
    assert answers[2].json()["code"] == "token-invalid"
    # The group answers in one task; each problem still names the request that it belongs to.
    for answer in answers[1:4]:
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert len(rows(api_database, "select from raw.events where user_id = %s", ada.user_id)) == 2
    assert len(rows(api_database, "select from raw.rejected_events where user_id = %s", ada.user_id)) == 2


async def test_the_same_event_from_many_requests_at_once_is_accepted_once(
    client: httpx.AsyncClient, ada: Account, api_database: str
) -> None:
    event = an_event()

    answers = await asyncio.gather(*(post(client, ada, event) for _ in range(20)))

    assert Counter(answer.json()["outcome"] for answer in answers) == {"accepted": 1, "duplicate": 19}
    assert len(rows(api_database, "select from raw.outbox where user_id = %s", ada.user_id)) == 1


async def test_a_key_that_another_transaction_holds_delays_its_own_request_only(
    client: httpx.AsyncClient, ada: Account, api_database: str
) -> None:
    held = an_event()
    with psycopg.connect(api_database) as other:
        other.execute(
            "insert into raw.event_keys (user_id, event_id, version, body_hash, started_at, local_date)"
            " values (%s, %s, 1, '', now(), current_date)",
            (ada.user_id, held["event_id"]),
        )
        began = time.monotonic()
        waiting = asyncio.create_task(post(client, ada, held))
        answers = await asyncio.gather(*(post(client, ada, an_event()) for _ in range(20)))
        seconds = time.monotonic() - began

        assert Counter(answer.status_code for answer in answers) == {201: 20}
        assert not waiting.done()
        other.rollback()
    assert (await waiting).status_code == 201
    # A machine that is busy with other tests takes its time, and still less than a wait for the other one.
    assert seconds < 5


async def test_twins_of_one_idempotency_key_have_one_effect_and_one_answer(
    client: httpx.AsyncClient, ada: Account, api_database: str
) -> None:
    event, key = an_event(), str(uuid.uuid4())

    answers = await asyncio.gather(*(post(client, ada, event, **{"Idempotency-Key": key}) for _ in range(6)))

    assert [(answer.status_code, answer.json()) for answer in answers] == [(201, answers[0].json())] * 6
    assert sum(answer.headers.get("idempotency-replayed") == "true" for answer in answers) == 5
    assert len(rows(api_database, "select from raw.events where user_id = %s", ada.user_id)) == 1


async def test_one_key_for_two_bodies_at_once_goes_to_one_of_them(
    client: httpx.AsyncClient, ada: Account
) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}

    answers = await asyncio.gather(*(post(client, ada, an_event(), **key) for _ in range(2)))

    assert sorted(answer.status_code for answer in answers) == [201, 422]


async def test_requests_that_are_given_up_do_not_take_others_with_them(
    client: httpx.AsyncClient, ada: Account
) -> None:
    asked = [asyncio.create_task(post(client, ada, an_event())) for _ in range(30)]
    await asyncio.sleep(0.01)
    for task in asked[::3]:
        task.cancel()

    answers = await asyncio.gather(*asked, return_exceptions=True)

    kept = [answer for number, answer in enumerate(answers) if number % 3]
    assert all(isinstance(answer, httpx.Response) and answer.status_code == 201 for answer in kept)


async def test_notes_of_several_people_in_one_group_are_sealed_under_their_own_keys(
    client: httpx.AsyncClient,
) -> None:
    people = [await log_in(client) for _ in range(3)]
    events = [an_event(note=f"the secret of {person.username}") for person in people]
    await asyncio.gather(*(post(client, who, event) for who, event in zip(people, events, strict=True)))

    for who, event in zip(people, events, strict=True):
        read = await client.get(f"/api/v1/events/{event['event_id']}", headers=who.headers)
        assert read.json()["note"] == f"the secret of {who.username}"
