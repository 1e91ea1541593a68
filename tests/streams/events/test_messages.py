from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from streams.events.messages import KEPT_OF_A_BODY, Touch, Unreadable, read_message, to_message

USER = "7f000001-0000-4000-8000-000000000001"
EVENT = "7f000001-0000-4000-8000-00000000000e"


def a_body(**changes: Any) -> dict[str, Any]:
    body = {
        "user_id": USER,
        "local_date": "2026-03-29",
        "received_at": "2026-03-29T08:00:00+00:00",
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def test_a_message_is_read_back_as_the_touch_that_it_announces() -> None:
    body = a_body(event_id=EVENT, version=2, type="mood.rated")

    assert read_message(to_message(body, outbox_id=7, position=9)) == Touch(
        user_id=UUID(USER),
        local_date=date(2026, 3, 29),
        outbox_id=7,
        position=9,
        received_at=datetime(2026, 3, 29, 8, tzinfo=UTC),
        event_id=UUID(EVENT),
        version=2,
        type="mood.rated",
    )


def test_a_message_of_an_import_names_a_day_and_no_event() -> None:
    touch = read_message(json.dumps(a_body()).encode())

    assert isinstance(touch, Touch)
    assert (touch.event_id, touch.outbox_id) == (None, None)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        None,
        b"\xff\xfe",
        b"no json",
        b"[]",
        b"{}",
        b'"text"',
        json.dumps(a_body(user_id="nobody")).encode(),
        json.dumps(a_body(user_id=5)).encode(),
        json.dumps(a_body(local_date="yesterday")).encode(),
        json.dumps(a_body(local_date=None)).encode(),
        json.dumps(a_body(received_at="soon")).encode(),
        json.dumps(a_body(version={})).encode(),
        b"[" * 100_000,
        b'{"user_id": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_touch_is_unreadable_with_a_reason(raw: bytes | None) -> None:
    read = read_message(raw)

    assert isinstance(read, Unreadable)
    assert read.reason
    assert len(read.body) <= KEPT_OF_A_BODY


def test_an_unreadable_message_still_says_which_row_it_was() -> None:
    read = read_message(json.dumps({"outbox_id": 12}).encode())

    assert isinstance(read, Unreadable)
    assert read.outbox_id == 12


def test_a_body_with_a_nul_can_be_kept_by_postgres() -> None:
    read = read_message(b"a\x00b")

    assert isinstance(read, Unreadable)
    assert read.body == "ab"
