"""Events on the API: each way in, each outcome, each kind of bad input, and nothing lost."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import httpx
import psycopg
import pytest

from aurora.settings import Settings
from serving.app import create_app
from tests.serving.conftest import Account, an_event, log_in, quick, running

NDJSON = {"Content-Type": "application/x-ndjson"}


async def post(
    client: httpx.AsyncClient, who: Account, event: dict[str, Any], **headers: str
) -> httpx.Response:
    return await client.post("/api/v1/events", json=event, headers=who.headers | headers)


async def post_lines(
    client: httpx.AsyncClient, who: Account, body: bytes | AsyncIterator[bytes]
) -> httpx.Response:
    return await client.post("/api/v1/events/batch", content=body, headers=who.headers | NDJSON)


def rows(url: str, who: Account, query: LiteralString) -> list[tuple[Any, ...]]:
    """What a table holds of one person."""
    with psycopg.connect(url) as connection:
        return connection.execute(query + " where user_id = %s", (who.user_id,)).fetchall()


async def test_an_event_is_accepted_and_read_back(
    client: httpx.AsyncClient, ada: Account, api_database: str
) -> None:
    event = an_event(started_at="2026-03-29T00:30:00+01:00", form_id="evening")

    answer = await post(client, ada, event)

    assert answer.status_code == 201, answer.text
    assert answer.json()["outcome"] == "accepted"
    assert answer.json()["local_date"] == "2026-03-29"
    read = (await client.get(f"/api/v1/events/{event['event_id']}", headers=ada.headers)).json()
    assert read["payload"] == {"energy": 6.5}
    assert read["tz"] == "Europe/Oslo"
    assert read["form_id"] == "evening"
    assert rows(api_database, ada, "select topic from raw.outbox") == [("aurora.events.accepted.v1",)]


async def test_the_same_event_again_is_a_duplicate_and_another_body_a_conflict(
    client: httpx.AsyncClient, ada: Account
) -> None:
    event = an_event()
    await post(client, ada, event)

    same = await post(client, ada, event)
    other = await post(client, ada, event | {"payload": {"energy": 2.0}})

    assert (same.status_code, same.json()["outcome"]) == (200, "duplicate")
    assert (other.status_code, other.json()["code"]) == (409, "event-conflict")


async def test_a_correction_replaces_and_a_late_older_version_is_superseded(
    client: httpx.AsyncClient, ada: Account
) -> None:
    event = an_event(version=3)
    await post(client, ada, event)

    older = await post(client, ada, event | {"version": 2, "payload": {"energy": 1.0}})
    newer = await post(client, ada, event | {"version": 4, "payload": {"energy": 9.0}})

    assert (older.status_code, older.json()["outcome"]) == (200, "superseded")
    assert (newer.status_code, newer.json()["outcome"]) == (201, "accepted")
    events = (await client.get("/api/v1/events", headers=ada.headers)).json()["items"]
    assert [(read["version"], read["payload"]) for read in events] == [(4, {"energy": 9.0})]


async def test_a_deleted_event_is_not_read_any_more(client: httpx.AsyncClient, ada: Account) -> None:
    event = an_event()
    await post(client, ada, event)

    deleted = await post(client, ada, event | {"version": 2, "is_deleted": True, "payload": {}})

    assert deleted.status_code == 201, deleted.text
    assert (await client.get("/api/v1/events", headers=ada.headers)).json()["items"] == []
    assert (await client.get(f"/api/v1/events/{event['event_id']}", headers=ada.headers)).status_code == 404


async def test_a_note_is_ciphertext_in_the_log_and_text_for_its_owner(
    client: httpx.AsyncClient, ada: Account, api_database: str
) -> None:
    event = an_event(type="note.written", payload={}, note="Met Bo by the lake.")

    await post(client, ada, event)

    assert "lake" not in str(rows(api_database, ada, "select events::text from raw.events"))
    read = (await client.get(f"/api/v1/events/{event['event_id']}", headers=ada.headers)).json()
    assert read["note"] == "Met Bo by the lake."


FUTURE = (datetime.now(UTC) + timedelta(hours=2)).isoformat()


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"type": "mood.guessed"}, "unknown_type", "mood.guessed"),
        ({"payload": {"energy": 65}}, "invalid_payload", "less than or equal to 10"),
        ({"payload": {"energy": "6"}}, "invalid_payload", "number"),
        ({"payload": {"energy": False}}, "invalid_payload", "number"),
        ({"payload": {"energy": 6, "unit": "percent"}}, "invalid_payload", "payload: Extra"),
        ({"payload": {}}, "invalid_payload", "energy"),
        ({"payload": [6]}, "invalid_envelope", "payload"),
        ({"started_at": "2026-03-29T16:30:00"}, "naive_timestamp", "timezone"),
        ({"started_at": 1774800000}, "invalid_envelope", "RFC 3339"),
        ({"started_at": FUTURE}, "future_event", "later than now"),
        ({"ended_at": "2020-01-01T00:00:00Z"}, "ended_before_started", "before"),
        ({"tz": "Mars/Olympus"}, "unknown_time_zone", "IANA"),
        ({"event_id": "7"}, "invalid_envelope", "UUID"),
        ({"version": 0}, "invalid_envelope", "version"),
        ({"version": 2**40}, "invalid_envelope", "version"),
        ({"surprise": 1}, "invalid_envelope", "event: Extra"),
        ({"started_at": "1900-01-01T00:00:00Z"}, "invalid_envelope", "1970"),
    ],
)
async def test_bad_input_gets_a_clear_reason_and_is_kept(
    client: httpx.AsyncClient,
    ada: Account,
    api_database: str,
    changes: dict[str, Any],
    code: str,
    words: str,
) -> None:
    answer = await post(client, ada, an_event(**changes))

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "event-rejected"
    assert answer.json()["reason_code"] == code
    assert words in answer.json()["detail"]
    [(kept_code, user_id, body)] = rows(
        api_database, ada, "select reason_code, user_id::text, body from raw.rejected_events"
    )
    assert (kept_code, user_id) == (code, ada.user_id)
    assert json.loads(body)["source"] == {"name": "tests"}


@pytest.mark.parametrize(
    "body",
    [
        b'{"event_id": "',
        b"",
        b"null",
        b"[]",
        b"7",
        b"not json",
        json.dumps(an_event()).encode("utf-16"),
        json.dumps(an_event(form_id="ø"), ensure_ascii=False).encode("latin-1"),
        b'{"payload": {"energy": NaN}}',
        b'{"form_id": "a\\u0000b"}',
        b'{"form_id": "\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    ],
)
async def test_a_body_that_cannot_be_read_is_kept_as_it_came(
    client: httpx.AsyncClient, ada: Account, api_database: str, body: bytes
) -> None:
    answer = await client.post(
        "/api/v1/events", content=body, headers=ada.headers | {"Content-Type": "application/json"}
    )

    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == "body-unreadable"
    assert answer.json()["reason_code"] == "undecodable"
    assert rows(api_database, ada, "select reason_code from raw.rejected_events") == [("undecodable",)]


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "calendar.scheduled", "payload": {}, "started_at": "9999-12-31T23:59:59-12:00"},
        {"payload": {"energy": 10**400}},
        {"payload": {"energy": 1e308 * 10}},
        {"started_at": "0001-01-01T00:00:00+14:00"},
        {"started_at": "2026-03-29T25:00:00Z"},
        {"form_id": "x" * 100_000},
        {"note": "x" * 20_001},
        {"tz": "../../etc/passwd"},
        {"tz": "x" * 5_000},
        {"source": {"name": "a", "name2": {}}},
        {"payload": {"energy": {"deep": [[[[[]]]]]}}},
    ],
)
async def test_strange_input_is_never_a_server_error(
    client: httpx.AsyncClient, ada: Account, changes: dict[str, Any]
) -> None:
    body = json.dumps(an_event(**changes)).replace("Infinity", "1e999")

    answer = await client.post(
        "/api/v1/events", content=body, headers=ada.headers | {"Content-Type": "application/json"}
    )

    assert 400 <= answer.status_code < 500, answer.text


async def test_free_text_of_a_rejected_event_is_not_kept_readable(
    client: httpx.AsyncClient, ada: Account, api_database: str
) -> None:
    await post(client, ada, an_event(type="note.guessed", note="Met Bo by the lake."))
    await client.post(
        "/api/v1/events",
        content=b'{"note": "Met Bo by the lake.", ',
        headers=ada.headers | {"Content-Type": "application/json"},
    )

    kept = rows(api_database, ada, "select body from raw.rejected_events")

    assert len(kept) == 2
    assert "lake" not in str(kept)


async def test_another_media_type_is_refused(client: httpx.AsyncClient, ada: Account) -> None:
    for path in ("/api/v1/events", "/api/v1/events/batch"):
        answer = await client.post(
            path, content=b"a=1", headers=ada.headers | {"Content-Type": "application/x-www-form-urlencoded"}
        )

        assert answer.status_code == 415
        assert "application/json" in answer.json()["detail"]


async def test_a_batch_tells_the_outcome_of_each_item(
    client: httpx.AsyncClient, ada: Account, api_database: str
) -> None:
    known = an_event()
    await post(client, ada, known)
    fresh = an_event()
    batch = [
        fresh,
        known,
        known | {"payload": {"energy": 1.0}},
        an_event(type="mood.guessed"),
        fresh,
        "no object",
        an_event(event_id=fresh["event_id"], version=2),
    ]

    answer = await client.post("/api/v1/events/batch", json={"events": batch}, headers=ada.headers)

    assert answer.status_code == 200, answer.text
    outcomes = [item["outcome"] for item in answer.json()["items"]]
    assert outcomes == [
        "superseded",
        "duplicate",
        "conflict",
        "rejected",
        "duplicate",
        "rejected",
        "accepted",
    ]
    assert answer.json()["items"][3]["code"] == "unknown_type"
    assert answer.json()["counts"]["rejected"] == 2
    assert len(rows(api_database, ada, "select from raw.rejected_events")) == 2


async def test_ndjson_is_read_line_by_line_and_no_bad_line_harms_another(
    client: httpx.AsyncClient, ada: Account, api_database: str
) -> None:
    lines = [
        b"\xef\xbb\xbf" + json.dumps(an_event()).encode(),
        b"{truncated",
        b"",
        json.dumps(an_event(note="x" * 300_000)).encode(),
        '{"a": "ø"}'.encode("latin-1"),
        json.dumps(an_event()).encode() + b"\r",
    ]
    body = b"\n".join(lines)

    async def slowly() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 777):
            yield body[start : start + 777]

    answer = await post_lines(client, ada, slowly())

    assert answer.status_code == 200, answer.text
    assert [item.get("code", item["outcome"]) for item in answer.json()["items"]] == [
        "accepted",
        "undecodable",
        "too_large",
        "undecodable",
        "accepted",
    ]
    kept = rows(api_database, ada, "select reason_code, length(body) from raw.rejected_events")
    assert {code for code, _ in kept} == {"undecodable", "too_large"}
    assert max(length for _, length in kept) <= 10_000


async def test_an_endless_line_is_cut_off_and_kept_apart(
    client: httpx.AsyncClient, ada: Account, api_database: str
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 1024**3:
            sent += 1024**2
            yield b"x" * 1024**2

    answer = await post_lines(client, ada, endless())

    assert answer.status_code == 413
    assert answer.json()["code"] == "body-too-large"
    assert sent < 40 * 1024**2
    assert answer.json()["counts"] == {"rejected": 1}
    kept = rows(api_database, ada, "select reason_code, length(body) from raw.rejected_events")
    assert kept == [("too_large", 1000)]


async def test_a_body_that_says_it_is_too_large_is_not_read(client: httpx.AsyncClient, ada: Account) -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("nobody should read this")
        yield b""

    for path, length in (("/api/v1/events", 2 * 1024**2), ("/api/v1/events/batch", 1024**3)):
        answer = await client.post(
            path,
            content=never(),
            headers=ada.headers | {"Content-Type": "application/json", "Content-Length": str(length)},
        )

        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"events": 7}', b"", b"\xff"])
async def test_a_batch_that_cannot_be_read_says_why(
    client: httpx.AsyncClient, ada: Account, body: bytes
) -> None:
    answer = await client.post(
        "/api/v1/events/batch", content=body, headers=ada.headers | {"Content-Type": "application/json"}
    )

    assert answer.status_code == 400
    assert answer.json()["code"] == "body-unreadable"


async def test_an_idempotency_key_gets_the_first_answer_again(
    client: httpx.AsyncClient, ada: Account, api_database: str
) -> None:
    event, key = an_event(), str(uuid.uuid4())
    first = await post(client, ada, event, **{"Idempotency-Key": key})

    again = await post(client, ada, event, **{"Idempotency-Key": key})
    other = await post(client, ada, an_event(), **{"Idempotency-Key": key})

    assert first.status_code == again.status_code == 201
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert other.status_code == 422
    assert other.json()["code"] == "idempotency-key-reused"
    assert len(rows(api_database, ada, "select from raw.events")) == 1


async def test_an_idempotency_key_replays_refusals_and_batches_too(
    client: httpx.AsyncClient, ada: Account, api_database: str
) -> None:
    for body, path in (
        (an_event(type="mood.guessed"), "/api/v1/events"),
        ({"events": [an_event(), an_event(type="x")]}, "/api/v1/events/batch"),
    ):
        headers = ada.headers | {"Idempotency-Key": str(uuid.uuid4())}
        first = await client.post(path, json=body, headers=headers)
        again = await client.post(path, json=body, headers=headers)

        assert first.status_code == again.status_code
        assert first.json() == again.json()
        assert first.headers["content-type"] == again.headers["content-type"]
    assert len(rows(api_database, ada, "select from raw.rejected_events")) == 2


@pytest.mark.parametrize("key", ["", "ø", "x" * 201, "a\tb"])
async def test_a_strange_idempotency_key_is_refused(
    client: httpx.AsyncClient, ada: Account, key: str
) -> None:
    headers = {name.encode(): value.encode() for name, value in ada.headers.items()}
    answer = await client.post(
        "/api/v1/events", json=an_event(), headers=headers | {b"Idempotency-Key": key.encode()}
    )

    assert answer.status_code == 400
    assert answer.json()["code"] == "idempotency-key-invalid"


async def test_pages_follow_each_other_without_gap_or_repetition(
    client: httpx.AsyncClient, ada: Account
) -> None:
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    # Several at one instant, and over the border of a month.
    events = [an_event(started_at=(at - timedelta(hours=6 * (n // 3))).isoformat()) for n in range(25)]
    await client.post("/api/v1/events/batch", json={"events": events}, headers=ada.headers)

    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": 4} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/api/v1/events", params=query, headers=ada.headers)).json()
        seen += [item["event_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert len(seen) == 25
    assert set(seen) == {event["event_id"] for event in events}


async def test_a_list_is_filtered_by_type_and_time(client: httpx.AsyncClient, ada: Account) -> None:
    events = [
        an_event(started_at=f"2026-03-0{day}T10:00:00Z", type=kind, payload=payload)
        for day in (1, 2, 3)
        for kind, payload in (("energy.rated", {"energy": 5}), ("mood.rated", {"valence": 0.5}))
    ]
    await client.post("/api/v1/events/batch", json={"events": events}, headers=ada.headers)

    query = {"type": "mood.rated", "from": "2026-03-02T00:00:00Z", "to": "2026-03-03T10:00:00Z"}
    page = (await client.get("/api/v1/events", params=query, headers=ada.headers)).json()

    assert [(item["type"], item["local_date"]) for item in page["items"]] == [("mood.rated", "2026-03-02")]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"cursor": "x"}, 400),
        ({"cursor": "bm90IGEgY3Vyc29y"}, 400),
        ({"cursor": "WzEsMl0"}, 400),
        ({"limit": "0"}, 422),
        ({"limit": "501"}, 422),
        ({"from": "2026-03-01T00:00:00"}, 422),
        ({"from": "yesterday"}, 422),
        ({"type": "\x00"}, 422),
    ],
)
async def test_a_list_refuses_what_makes_no_sense(
    client: httpx.AsyncClient, ada: Account, query: dict[str, str], status: int
) -> None:
    answer = await client.get("/api/v1/events", params=query, headers=ada.headers)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_nobody_reads_anothers_events(client: httpx.AsyncClient, ada: Account) -> None:
    event = an_event()
    await post(client, ada, event)
    bo = await log_in(client)

    assert (await client.get(f"/api/v1/events/{event['event_id']}", headers=bo.headers)).status_code == 404
    assert (await client.get("/api/v1/events", headers=bo.headers)).json()["items"] == []
    assert (await client.get("/api/v1/timeline", headers=bo.headers)).json()["days"] == []
    # The same id is free for somebody else.
    assert (await post(client, bo, event)).status_code == 201


async def test_events_need_a_login(client: httpx.AsyncClient) -> None:
    for method, path in (
        ("POST", "/api/v1/events"),
        ("POST", "/api/v1/events/batch"),
        ("GET", "/api/v1/events"),
        ("GET", f"/api/v1/events/{uuid.UUID(int=7)}"),
    ):
        answer = await client.request(method, path, json={"events": []} if method == "POST" else None)

        assert answer.status_code == 401, path


async def test_a_client_that_sends_a_batch_too_slowly_is_sent_away(settings: Settings) -> None:
    async def dripping() -> AsyncIterator[bytes]:
        while True:
            yield b"{"
            await asyncio.sleep(0.2)

    async with running(create_app(settings, quick(batch_seconds=1))) as client:
        answer = await post_lines(client, await log_in(client), dripping())

    assert answer.status_code == 408
    assert answer.json()["code"] == "body-too-slow"
