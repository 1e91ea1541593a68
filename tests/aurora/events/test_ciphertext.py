from __future__ import annotations

from uuid import uuid4

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from aurora.events.ciphertext import (
    DataKeyInvalidError,
    address_hash,
    is_wrapped_by_first,
    new_person_key,
    note_hash_key,
    open_for_now,
    open_text,
    seal_for_now,
    seal_text,
    unwrap,
)

SYSTEM_KEY = "0f" * 32
PERSON_KEY = bytes(range(32))


@given(st.text())
def test_what_is_sealed_can_be_opened_again(text: str) -> None:
    event_id = uuid4()

    assert open_text(PERSON_KEY, event_id, seal_text(PERSON_KEY, event_id, text)) == text


def test_the_same_text_is_never_sealed_alike() -> None:
    event_id = uuid4()

    assert seal_text(PERSON_KEY, event_id, "tired") != seal_text(PERSON_KEY, event_id, "tired")
    assert b"tired" not in seal_text(PERSON_KEY, event_id, "tired")


def test_a_sealed_text_cannot_be_moved_to_another_event() -> None:
    sealed = seal_text(PERSON_KEY, uuid4(), "tired")

    with pytest.raises(InvalidTag):
        open_text(PERSON_KEY, uuid4(), sealed)


def test_a_sealed_text_that_was_changed_does_not_open() -> None:
    event_id = uuid4()
    sealed = bytearray(seal_text(PERSON_KEY, event_id, "tired"))
    sealed[-1] ^= 1

    with pytest.raises(InvalidTag):
        open_text(PERSON_KEY, event_id, bytes(sealed))


def test_each_person_has_a_key_of_their_own_that_only_the_system_key_unwraps() -> None:
    anna, bert = uuid4(), uuid4()
    wrapped = new_person_key(SYSTEM_KEY, anna)

    assert len(unwrap(SYSTEM_KEY, anna, wrapped)) == 32
    assert unwrap(SYSTEM_KEY, anna, new_person_key(SYSTEM_KEY, anna)) != unwrap(SYSTEM_KEY, anna, wrapped)
    with pytest.raises(InvalidTag):
        unwrap("1f" * 32, anna, wrapped)
    with pytest.raises(InvalidTag):
        unwrap(SYSTEM_KEY, bert, wrapped)


def test_the_key_of_the_note_digest_is_not_the_key_that_wraps() -> None:
    assert len(note_hash_key(SYSTEM_KEY)) == 32
    assert note_hash_key(SYSTEM_KEY) != bytes.fromhex(SYSTEM_KEY)
    assert note_hash_key(SYSTEM_KEY) == note_hash_key(SYSTEM_KEY)


NEW_KEY = "1f" * 32
RING = f"{NEW_KEY} {SYSTEM_KEY}"


def test_what_an_older_key_wrapped_the_ring_unwraps_and_the_first_key_wraps_what_is_new() -> None:
    anna, bert = uuid4(), uuid4()
    old, new = new_person_key(SYSTEM_KEY, anna), new_person_key(RING, bert)

    assert unwrap(RING, anna, old) == unwrap(SYSTEM_KEY, anna, old)
    assert unwrap(NEW_KEY, bert, new) == unwrap(RING, bert, new)
    assert [is_wrapped_by_first(RING, anna, old), is_wrapped_by_first(RING, bert, new)] == [False, True]
    with pytest.raises(InvalidTag):
        unwrap(SYSTEM_KEY, bert, new)


def test_notes_and_addresses_are_found_whatever_key_wraps() -> None:
    assert note_hash_key(RING) == note_hash_key(SYSTEM_KEY)
    assert address_hash(RING, "Ada@example.org") == address_hash(SYSTEM_KEY, "ada@example.org")


def test_what_waits_under_an_older_key_can_be_read() -> None:
    row = uuid4()

    assert open_for_now(RING, row, seal_for_now(SYSTEM_KEY, row, "tired")) == "tired"


@pytest.mark.parametrize(
    "ring", ["", " ", "0f", "0f" * 31 + "xx", f"{SYSTEM_KEY},{NEW_KEY}", f"{SYSTEM_KEY} x"]
)
def test_a_ring_that_is_none_says_what_it_should_be(ring: str) -> None:
    with pytest.raises(DataKeyInvalidError, match="64 hexadecimal digits"):
        new_person_key(ring, uuid4())
