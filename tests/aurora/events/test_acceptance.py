from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora.events.acceptance import AcceptedEvent, Rejected, undecodable
from aurora.events.catalogue import EVENT_TYPES
from tests.aurora.events.received import (
    HASH_KEY,
    NOW,
    a_received_mood,
    a_received_night,
    accepted,
    judge,
    rejected,
)

# --- what may enter -----------------------------------------------------------------------------------------


def test_an_accepted_event_is_stored_in_utc_beside_the_wall_clock_of_its_zone() -> None:
    event = accepted(a_received_mood())

    assert event.started_at == datetime(2026, 3, 30, 7, tzinfo=UTC)
    assert event.started_at.utcoffset() == timedelta()
    assert event.local_started_at.isoformat() == "2026-03-30T09:00:00"
    assert event.local_date == date(2026, 3, 30)
    assert event.day_started_at == datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert event.day_ended_at == datetime(2026, 3, 30, 22, tzinfo=UTC)


def test_sleep_belongs_to_the_day_of_waking_and_all_else_to_the_day_of_its_start() -> None:
    night = accepted(a_received_night())
    workout = accepted(a_received_night(type="exercise.recorded", payload={"duration_minutes": 60}))

    assert night.local_date == date(2026, 3, 29)
    assert workout.local_date == date(2026, 3, 28)


def test_the_day_of_waking_on_a_clock_change_is_23_hours_long() -> None:
    night = accepted(a_received_night())

    assert night.day_ended_at - night.day_started_at == timedelta(hours=23)
    assert night.local_ended_at is not None
    assert night.local_ended_at.isoformat() == "2026-03-29T07:40:00"


def test_sleep_without_an_end_belongs_to_the_day_of_its_start() -> None:
    assert accepted(a_received_night(ended_at=None)).local_date == date(2026, 3, 28)


def test_the_persons_own_zone_stands_in_where_the_event_names_none() -> None:
    event = accepted(a_received_mood(tz=None), user_tz="Pacific/Auckland")

    assert event.tz == "Pacific/Auckland"
    assert event.local_started_at.isoformat() == "2026-03-30T20:00:00"


def test_a_live_event_is_known_from_its_arrival_whatever_the_client_says() -> None:
    event = accepted(a_received_mood(recorded_at="2026-03-30T09:00:01+02:00"))

    assert event.known_at == event.received_at == event.available_at == NOW


def test_an_imported_event_is_known_from_the_sources_own_record_time() -> None:
    event = accepted(a_received_mood(recorded_at="2026-03-30T10:30:00+02:00"), is_import=True)

    assert event.known_at == datetime(2026, 3, 30, 8, 30, tzinfo=UTC)
    assert event.received_at == NOW


def test_an_imported_event_without_a_record_time_is_known_after_the_lag_of_its_mapping() -> None:
    event = accepted(a_received_night(), is_import=True, arrival_lag=timedelta(hours=8))

    assert event.known_at == datetime(2026, 3, 29, 13, 40, tzinfo=UTC)


def test_an_imported_event_is_known_at_the_latest_when_it_is_received() -> None:
    lagging = accepted(a_received_mood(), is_import=True, arrival_lag=timedelta(days=9))
    claimed = accepted(a_received_mood(recorded_at="9999-12-31T23:59:59-12:00"), is_import=True)

    assert lagging.known_at == claimed.known_at == NOW


def test_an_event_is_not_available_before_it_has_ended() -> None:
    event = accepted(a_received_night(recorded_at="2026-03-28T23:10:00+01:00"), is_import=True)

    assert event.available_at == event.ended_at


def test_a_deletion_needs_no_payload_and_keeps_none() -> None:
    assert accepted(a_received_mood(is_deleted=True, version=2)).payload == {}
    assert accepted(a_received_mood(is_deleted=True, version=2, payload=None)).is_deleted


def test_a_clock_that_runs_five_minutes_ahead_is_forgiven() -> None:
    ahead = (NOW + timedelta(minutes=5)).isoformat()

    assert isinstance(judge(a_received_mood(started_at=ahead)), AcceptedEvent)


def test_an_appointment_may_lie_ahead() -> None:
    ahead = a_received_mood(type="calendar.scheduled", started_at="2027-01-01T09:00:00+01:00", payload={})

    assert accepted(ahead).local_date == date(2027, 1, 1)


def test_a_missing_optional_field_and_null_are_the_same_payload() -> None:
    night = a_received_night()
    with_null = night | {"payload": night["payload"] | {"deep_minutes": None}}

    assert accepted(night).body_hash == accepted(with_null).body_hash
    assert "deep_minutes" not in accepted(with_null).payload


# --- what may not, and why ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        ({"type": "mood.guessed"}, "unknown_type", "mood.guessed"),
        ({"payload": {"valence": 1.01}}, "invalid_payload", "valence"),
        ({"payload": {}}, "invalid_payload", "valence"),
        ({"payload": {"valence": 0.1, "vallence": 0.2}}, "invalid_payload", "payload: Extra"),
        ({"payload": {"valence": "0.1"}}, "invalid_payload", "valid number"),
        ({"payload": {"valence": True}}, "invalid_payload", "valid number"),
        ({"payload": {"valence": float("nan")}}, "invalid_payload", "finite"),
        ({"payload": {"valence": float("inf")}}, "invalid_payload", "valence"),
        ({"payload": {"valence": 0.1, "labels": ["a\x00b"]}}, "invalid_payload", "NUL"),
        ({"payload": {"valence": 0.1, "labels": ["\ud800"]}}, "invalid_payload", "labels"),
        ({"payload": {"valence": 0.1, "\x00": 1}}, "invalid_payload", "not permitted"),
        ({"payload": [0.1]}, "invalid_envelope", "payload"),
        ({"type": "hrv.measured", "payload": {"rmssd_ms": 0}}, "invalid_payload", "rmssd_ms"),
        ({"started_at": "2026-03-30T09:00:00"}, "naive_timestamp", "timezone"),
        ({"started_at": "2026-03-30"}, "naive_timestamp", "timezone"),
        ({"ended_at": "2026-03-30T09:00:00"}, "naive_timestamp", "ended_at"),
        ({"started_at": 1774854000}, "invalid_envelope", "RFC 3339"),
        ({"started_at": "1774854000"}, "invalid_envelope", "RFC 3339"),
        ({"started_at": "yesterday"}, "invalid_envelope", "started_at"),
        ({"started_at": "2026-02-30T09:00:00Z"}, "invalid_envelope", "started_at"),
        ({"started_at": None}, "invalid_envelope", "started_at"),
        ({"started_at": "1969-12-31T23:59:59Z"}, "invalid_envelope", "1970"),
        ({"started_at": "0001-01-01T00:00:00+14:00"}, "invalid_envelope", "1970"),
        ({"started_at": "2026-03-30T12:05:01Z"}, "future_event", "later than now"),
        ({"started_at": "9999-12-31T23:59:59-12:00"}, "future_event", "later than now"),
        ({"tz": "Europe/Atlantis"}, "unknown_time_zone", "Atlantis"),
        ({"tz": "+02:00"}, "unknown_time_zone", "IANA"),
        ({"ended_at": "2026-03-30T08:59:59+02:00"}, "ended_before_started", "before started_at"),
        ({"started_at": "2026-03-20T09:00Z", "ended_at": "2026-03-28T09:00Z"}, "invalid_envelope", "7 days"),
        ({"event_id": "42"}, "invalid_envelope", "event_id"),
        ({"event_id": None}, "invalid_envelope", "event_id"),
        ({"version": 0}, "invalid_envelope", "version"),
        ({"version": True}, "invalid_envelope", "version"),
        ({"version": 2**31}, "invalid_envelope", "version"),
        ({"source": {"name": " "}}, "invalid_envelope", "source.name"),
        ({"source": {"name": "a\x00"}}, "invalid_envelope", "NUL"),
        ({"source": None}, "invalid_envelope", "source"),
        ({"precision": "minute"}, "invalid_envelope", "precision"),
        ({"is_deleted": "yes"}, "invalid_envelope", "is_deleted"),
        ({"mood": 3}, "invalid_envelope", "event: Extra"),
        ({"note": "x" * 20_001}, "invalid_envelope", "note"),
    ],
)  # fmt: skip
def test_what_cannot_be_accepted_is_set_aside_with_its_code_and_reason(
    changes: dict[str, Any], code: str, reason: str
) -> None:
    verdict = rejected(a_received_mood(**changes))

    assert verdict.code == code
    assert reason in verdict.reason


def test_a_record_time_of_an_unset_clock_is_refused() -> None:
    verdict = rejected(a_received_mood(recorded_at="0001-01-01T00:00:00+14:00"), is_import=True)

    assert verdict.code == "invalid_envelope"


def test_an_appointment_in_the_distant_future_is_refused() -> None:
    far = a_received_mood(type="calendar.scheduled", started_at="2031-01-01T09:00:00+01:00", payload={})

    assert rejected(far).code == "future_event"


def test_the_reason_never_repeats_the_value_that_a_person_sent() -> None:
    verdict = rejected(a_received_mood(payload={"valence": 0.123456, "labels": [98765]}))

    assert "0.123456" not in verdict.reason
    assert "98765" not in verdict.reason


def test_a_rejected_body_is_kept_whole() -> None:
    event = a_received_mood(type="mood.guessed", note="blåbær 🫐")

    assert json.loads(rejected(event).body) == event


@pytest.mark.parametrize("odd", ["\ud800", "\x00", "a\x00\udfffb"])
def test_a_rejected_body_can_be_stored_and_read_back_whatever_characters_it_holds(odd: str) -> None:
    event = a_received_mood(type="mood.guessed", note=odd)
    body = rejected(event).body

    assert "\x00" not in body
    assert body.encode()
    assert json.loads(body) == event


def test_what_is_not_even_an_object_is_kept_up_to_a_limit() -> None:
    verdict = undecodable(b"\xff\xfe" + b"x" * 20_000, "not UTF-8", limit=10)

    assert verdict == Rejected("undecodable", "not UTF-8", r"\xff\xfe" + "x" * 8)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
field_names = st.sampled_from([*a_received_night(), "version", "note", "form_id", "precision", "recorded_at"])


@given(st.dictionaries(field_names, json_values, max_size=4), st.booleans())
def test_no_input_whatever_makes_acceptance_raise(changes: dict[str, Any], is_import: bool) -> None:
    judge(a_received_night() | changes, is_import=is_import)


@given(st.sampled_from(sorted(EVENT_TYPES)), st.dictionaries(st.text(max_size=12), json_values, max_size=3))
def test_no_payload_whatever_makes_acceptance_raise(type_name: str, payload: dict[str, Any]) -> None:
    judge(a_received_mood(type=type_name, payload=payload))


@given(st.datetimes(timezones=st.timezones()).map(datetime.isoformat), st.booleans())
def test_no_time_whatever_makes_acceptance_raise(time: str, is_import: bool) -> None:
    judge(a_received_mood(started_at=time), is_import=is_import)
    judge(a_received_mood(ended_at=time), is_import=is_import)
    judge(a_received_mood(recorded_at=time), is_import=is_import)


# --- the body hash ------------------------------------------------------------------------------------------


def test_the_hash_of_a_body_is_the_same_on_every_machine_and_version() -> None:
    event = a_received_mood(event_id="7f000001-0000-4000-8000-00000000000e", note="tired")

    # A change here makes every re-import of old files a conflict: it needs a migration of stored hashes.
    assert accepted(event).body_hash.hex() == (
        "f3e99ad0dd7edd1db21c9899f54de7369b5477caa1443e57649b254b83870d41"
    )


def test_the_same_instant_in_other_words_is_the_same_body() -> None:
    one = accepted(a_received_mood(started_at="2026-03-30T09:00:00+02:00"))
    other = accepted(a_received_mood(started_at="2026-03-30T07:00:00.000Z"))

    assert one.body_hash == other.body_hash


def test_a_whole_number_is_the_same_body_with_or_without_a_point() -> None:
    assert accepted(a_received_mood(payload={"valence": 1})).body_hash == (
        accepted(a_received_mood(payload={"valence": 1.0})).body_hash
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"payload": {"valence": 0.5}},
        {"started_at": "2026-03-30T09:00:01+02:00"},
        {"ended_at": "2026-03-30T09:30:00+02:00"},
        {"tz": "Europe/Berlin"},
        {"source": {"name": "other"}},
        {"form_id": "evening"},
        {"precision": "day"},
        {"note": "tired"},
        {"is_deleted": True},
    ],
)
def test_any_change_of_the_body_changes_the_hash(changes: dict[str, Any]) -> None:
    event = a_received_mood()

    assert accepted(event | changes).body_hash != accepted(event).body_hash


def test_when_it_was_received_or_recorded_is_no_part_of_the_body() -> None:
    event = a_received_mood()
    later = accepted(event | {"recorded_at": "2026-03-30T10:00:00Z"}, received_at=NOW + timedelta(days=1))

    assert later.body_hash == accepted(event).body_hash


def test_the_hash_of_a_note_cannot_be_guessed_without_the_key() -> None:
    event = a_received_mood(note="tired")

    assert accepted(event, hash_key=HASH_KEY).body_hash != accepted(event, hash_key=b"x" * 32).body_hash


def test_a_note_never_lies_in_the_payload() -> None:
    event = accepted(a_received_mood(note="tired of it all"))

    assert event.note == "tired of it all"
    assert "tired" not in json.dumps(event.payload)


def test_the_hash_of_a_body_is_the_same_for_ever() -> None:
    """Another text under the hash would make a conflict of every event that is sent again."""
    event = a_received_mood(
        event_id="01920f3e-7b1c-7c30-9a51-6f1c3a7d9e20",
        started_at="2026-03-29T16:30:00+02:00",
        tz="Europe/Oslo",
        source={"name": "åpp", "device": "ring"},
        payload={"valence": 0.4, "labels": ["røle\u2028", "calm"]},
        form_id="f",
        note="n",
    )

    told = accepted(event, hash_key=b"k" * 32).body_hash.hex()

    assert told == "b09ab5f9b81b4e6e8b9d5f92c7b1cb123a5a94892963595e1e70da60a3ff8a74"
