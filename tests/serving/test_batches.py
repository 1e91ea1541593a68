"""Batches as they come: parts that stay whatever follows, answers that say so, and clients that go away."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psycopg
import pytest
from starlette.types import Message

from aurora.events.storage import COPIED_FROM, Outcome, store_events
from aurora.settings import Settings
from serving.app import create_app
from serving.events import parts
from serving.events.batches import MIDDLE_PART, PART, SMALL_PART
from serving.events.reading import events_in
from tests.serving.conftest import Account, an_event, log_in, quick, running

NDJSON = {"Content-Type": "application/x-ndjson"}
BATCH = "/api/v1/events/batch"


def ndjson(events: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def stored(url: str, who: Account, table: str = "events") -> int:
    with psycopg.connect(url) as connection:
        query = f"select count(*) from raw.{table} where user_id = %s"
        row = connection.execute(query.encode(), (who.user_id,)).fetchone()
    return row[0] if row else 0


async def post_lines(
    client: httpx.AsyncClient, who: Account, body: bytes | AsyncIterator[bytes], **headers: str
) -> httpx.Response:
    return await client.post(BATCH, content=body, headers=who.headers | NDJSON | headers)


async def test_a_part_is_stored_before_the_rest_of_the_batch_is_there(
    client: httpx.AsyncClient, ada: Account, api_database: str
) -> None:
    events = [an_event() for _ in range(PART + 5)]
    seen = 0

    async def slowly() -> AsyncIterator[bytes]:
        nonlocal seen
        yield ndjson(events[:PART])
        async with asyncio.timeout(20):
            while not seen:
                await asyncio.sleep(0.05)
                seen = stored(api_database, ada)
        yield ndjson(events[PART:])

    answer = await post_lines(client, ada, slowly())

    assert 0 < seen <= PART
    assert answer.json()["counts"] == {"accepted": PART + 5}
    assert [item["index"] for item in answer.json()["items"]] == list(range(PART + 5))


async def test_many_events_at_once_have_the_outcomes_of_few(
    client: httpx.AsyncClient, ada: Account, api_database: str
) -> None:
    known, notes = an_event(), an_event(note="what happened, 100 % sure")
    await client.post("/api/v1/events", json=known, headers=ada.headers)
    events = [an_event() for _ in range(COPIED_FROM)]
    batch = [
        *events,
        events[0],
        known | {"payload": {"energy": 1.0}},
        known | {"version": 2},
        an_event(type="mood.guessed"),
        notes,
    ]

    answer = await post_lines(client, ada, ndjson(batch))

    outcomes = [item["outcome"] for item in answer.json()["items"]]
    assert outcomes[:COPIED_FROM] == ["accepted"] * COPIED_FROM
    assert outcomes[COPIED_FROM:] == ["duplicate", "conflict", "accepted", "rejected", "accepted"]
    # One outbox row an event: 200, the known one, its correction and the note.
    assert stored(api_database, ada, "outbox") == COPIED_FROM + 3
    read = await client.get(f"/api/v1/events/{notes['event_id']}", headers=ada.headers)
    assert read.json()["note"] == "what happened, 100 % sure"


async def test_versions_of_one_event_in_different_parts_have_the_outcomes_of_their_order(
    client: httpx.AsyncClient, ada: Account
) -> None:
    twice = an_event(version=2)
    between = [an_event() for _ in range(SMALL_PART)]
    batch = [
        twice,
        *between,
        twice | {"version": 1},
        *between[:50],
        twice,
        twice | {"payload": {"energy": 1.0}},
    ]

    answer = await post_lines(client, ada, ndjson(batch))

    items = answer.json()["items"]
    outcomes = [item["outcome"] for item in items]
    assert outcomes[: SMALL_PART + 2] == ["accepted"] * (SMALL_PART + 1) + ["superseded"]
    assert outcomes[SMALL_PART + 2 :] == ["duplicate"] * 51 + ["conflict"]
    assert [item["index"] for item in items] == list(range(len(batch)))
    assert items[-1]["event_id"] == twice["event_id"]


async def test_a_part_that_fails_ends_the_answer_before_it_and_takes_no_other_along(
    client: httpx.AsyncClient, ada: Account, api_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    async def store(connection: psycopg.AsyncConnection[Any], events: Any, **options: Any) -> list[Outcome]:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise psycopg.OperationalError("the connection was lost")
        return await store_events(connection, events, **options)

    monkeypatch.setattr(parts, "store_events", store)
    events = [an_event() for _ in range(SMALL_PART + MIDDLE_PART + 50)]
    cut = await post_lines(client, ada, ndjson(events))
    kept = stored(api_database, ada)
    again = await post_lines(client, ada, ndjson(events))

    assert (cut.status_code, len(cut.json()["items"])) == (503, SMALL_PART)
    assert f"the first {SMALL_PART} events were taken in" in cut.json()["detail"]
    assert kept in (SMALL_PART, SMALL_PART + 50)  # what came after it, had it begun
    assert again.json()["counts"] == {"accepted": len(events) - kept, "duplicate": kept}
    assert stored(api_database, ada) == len(events)


async def test_a_batch_of_too_many_keeps_the_first_ones_and_says_so(
    settings: Settings, api_database: str
) -> None:
    async with running(create_app(settings, quick(max_batch_items=5))) as client:
        ada = await log_in(client)
        answer = await post_lines(client, ada, ndjson([an_event() for _ in range(7)]))

    assert (answer.status_code, answer.json()["code"]) == (413, "batch-too-long")
    assert "the first 5 events were taken in" in answer.json()["detail"]
    assert answer.json()["counts"] == {"accepted": 5}
    assert len(answer.json()["items"]) == 5
    assert stored(api_database, ada) == 5


async def test_a_body_that_grows_too_large_keeps_what_came_before(
    settings: Settings, api_database: str
) -> None:
    async with running(create_app(settings, quick(max_batch_bytes=4096))) as client:
        ada = await log_in(client)

        async def growing() -> AsyncIterator[bytes]:
            for _ in range(1000):
                yield ndjson([an_event()])

        answer = await post_lines(client, ada, growing())

    kept = answer.json()["counts"]["accepted"]
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    assert f"the first {kept} events were taken in" in answer.json()["detail"]
    assert 0 < kept == stored(api_database, ada) < 30


async def test_a_client_that_becomes_too_slow_keeps_what_it_sent(
    settings: Settings, api_database: str
) -> None:
    async def dripping() -> AsyncIterator[bytes]:
        yield ndjson([an_event(), an_event()])
        while True:
            yield b" "
            await asyncio.sleep(0.2)

    async with running(create_app(settings, quick(batch_seconds=1))) as client:
        ada = await log_in(client)
        answer = await post_lines(client, ada, dripping())

    assert (answer.status_code, answer.json()["code"]) == (408, "body-too-slow")
    assert answer.json()["counts"] == {"accepted": 2}
    assert stored(api_database, ada) == 2


async def test_json_that_makes_no_sense_from_some_place_on_keeps_what_came_before(
    client: httpx.AsyncClient, ada: Account, api_database: str
) -> None:
    body = b'{"events": [' + json.dumps(an_event()).encode() + b', {"event_id": '

    answer = await client.post(
        BATCH, content=body, headers=ada.headers | {"Content-Type": "application/json"}
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "body-unreadable")
    assert answer.json()["counts"] == {"accepted": 1}
    assert stored(api_database, ada) == 1


async def test_a_client_that_goes_away_in_the_middle_has_its_whole_lines_stored(
    settings: Settings, api_database: str
) -> None:
    app = create_app(settings, quick())
    async with running(app) as client:
        ada = await log_in(client)
        sent = ndjson([an_event() for _ in range(3)]) + b'{"event_id": "'
        messages: list[Message] = [
            {"type": "http.request", "body": sent, "more_body": True},
            {"type": "http.disconnect"},
        ]

        async def receive() -> Message:
            return messages.pop(0) if len(messages) > 1 else messages[0]

        async def send(message: Message) -> None:
            del message

        headers = [
            (name.lower().encode(), value.encode())
            for name, value in (ada.headers | NDJSON | {"Host": "api"}).items()
        ]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
            "scheme": "http", "path": BATCH, "raw_path": BATCH.encode(), "query_string": b"",
            "root_path": "", "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2),
        }  # fmt: skip
        await app(scope, receive, send)
        # And there is room for others.
        again = await post_lines(client, ada, ndjson([an_event()]))

    assert stored(api_database, ada) == 4
    assert again.status_code == 200


async def test_the_answer_comes_in_lines_for_whoever_wants_them(
    client: httpx.AsyncClient, ada: Account
) -> None:
    answer = await post_lines(
        client, ada, ndjson([an_event(), an_event(type="x")]), Accept="application/x-ndjson"
    )

    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [line.get("outcome") for line in lines] == ["accepted", "rejected", None]
    assert lines[1]["code"] == "unknown_type"
    assert lines[2] == {"counts": {"accepted": 1, "rejected": 1}}


async def test_twins_of_one_key_that_are_read_at_the_same_time_get_one_answer(
    client: httpx.AsyncClient, ada: Account, api_database: str
) -> None:
    body, key = ndjson([an_event() for _ in range(3)]), {"Idempotency-Key": str(uuid.uuid4())}

    answers = await asyncio.gather(*(post_lines(client, ada, body, **key) for _ in range(3)))
    other = await post_lines(client, ada, ndjson([an_event()]), **key)

    assert [answer.json() for answer in answers] == [answers[0].json()] * 3
    assert other.json()["code"] == "idempotency-key-reused"
    assert stored(api_database, ada) == 3


@pytest.mark.parametrize("size", [SMALL_PART, SMALL_PART + 20])
async def test_a_batch_that_dies_with_its_last_part_has_no_answer_and_sent_again_harms_nothing(
    client: httpx.AsyncClient,
    ada: Account,
    api_database: str,
    monkeypatch: pytest.MonkeyPatch,
    size: int,
) -> None:
    async def lose(*_: object) -> None:
        raise psycopg.OperationalError("the server went away")

    key = {"Idempotency-Key": str(uuid.uuid4())}
    body = ndjson([an_event() for _ in range(size)])
    with monkeypatch.context() as patched:
        patched.setattr(parts, "keep_answers", lose)
        cut = await post_lines(client, ada, body, **key)
    before = stored(api_database, ada)
    again, once_more = [await post_lines(client, ada, body, **key) for _ in range(2)]

    # Of the last part and its answer there are both or neither.
    assert (cut.status_code, cut.json()["counts"]) == (503, {"accepted": before})
    assert 0 < before < size
    assert again.json()["counts"] == {"duplicate": before, "accepted": size - before}
    assert "idempotency-replayed" not in again.headers
    assert once_more.json() == again.json()
    assert once_more.headers["idempotency-replayed"] == "true"
    assert stored(api_database, ada) == stored(api_database, ada, "outbox") == size


async def test_a_batch_that_was_cut_short_may_be_sent_again_under_its_key(
    settings: Settings, api_database: str
) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    events = [an_event() for _ in range(6)]
    async with running(create_app(settings, quick(max_batch_items=5))) as client:
        ada = await log_in(client)
        short = await post_lines(client, ada, ndjson(events), **key)
        again = await post_lines(client, ada, ndjson(events[1:]), **key)

    assert short.status_code == 413
    assert again.json()["counts"] == {"duplicate": 4, "accepted": 1}


async def test_more_batches_than_there_are_places_wait_and_are_then_sent_away(settings: Settings) -> None:
    options = quick(batches_at_once=1, batch_wait_seconds=0.2)
    async with running(create_app(settings, options)) as client:
        ada = await log_in(client)
        is_reading, may_end = asyncio.Event(), asyncio.Event()

        async def long() -> AsyncIterator[bytes]:
            yield ndjson([an_event()])
            is_reading.set()
            await may_end.wait()

        first = asyncio.create_task(post_lines(client, ada, long()))
        await is_reading.wait()
        refused = await post_lines(client, ada, ndjson([an_event()]))
        may_end.set()

        assert (refused.status_code, refused.json()["code"]) == (503, "server-busy")
        assert "retry-after" in refused.headers
        assert (await first).status_code == 200
        assert (await post_lines(client, ada, ndjson([an_event()]))).status_code == 200


async def test_clients_that_send_the_same_long_batch_at_once_share_its_events(
    client: httpx.AsyncClient, ada: Account, api_database: str
) -> None:
    events = [an_event() for _ in range(300)]

    answers = await asyncio.gather(
        *(post_lines(client, ada, ndjson(batch)) for batch in (events, events[::-1], events))
    )

    assert sum(answer.json()["counts"].get("accepted", 0) for answer in answers) == 300
    assert stored(api_database, ada) == stored(api_database, ada, "outbox") == 300


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ('{"events": []}', 0),
        (' {"a": {"events": [1]}, "events" : [ {} , {"b": [1, 2]} ] , "c": null } ', 2),
        ('{"events": [{"b": "]}"}]}', 1),
    ],
)
def test_events_are_found_wherever_they_lie_in_a_batch(text: str, number: int) -> None:
    assert len(list(events_in(text.encode()))) == number


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "{}", '{"events": {}}', '{"events": [1,]}', '{"events": [1] "a": 2}', '{"events": [1]} x',
        '{"events": [1], }', '{"events": [], "events": []}', '{"events": [{"a": }]}', '{events: []}',
        "[" * 100_000, '{"events": [' + "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_batch_is_told_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"a batch is a JSON object|the body is not JSON in UTF-8"):
        list(events_in(text.encode()))
