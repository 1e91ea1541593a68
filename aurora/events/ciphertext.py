"""Free text and addresses at rest: AES-256-GCM under the person's own data key, which the system's data key wraps.

Erasing a person destroys the wrapped key: every copy of the text, wherever it lies, is unreadable then.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aurora.secrets import derive

_NONCE_BYTES = 12


def new_person_key(system_key: str, user_id: UUID) -> bytes:
    """A fresh data key of one person, wrapped: what `app.users.data_key_ciphertext` holds."""
    return _seal(bytes.fromhex(system_key), AESGCM.generate_key(bit_length=256), user_id.bytes)


def note_hash_key(system_key: str) -> bytes:
    """Keys the digest of free text in the body hash of events, the same for every way in."""
    return bytes.fromhex(derive(system_key, "digest of notes"))


def address_hash(system_key: str, address: str) -> bytes:
    """By which an e-mail address is found that is stored encrypted. Capital letters make no other address."""
    key = bytes.fromhex(derive(system_key, "addresses of people"))
    return hmac.new(key, address.strip().casefold().encode(), hashlib.sha256).digest()


def unwrap(system_key: str, user_id: UUID, wrapped: bytes) -> bytes:
    """The person's data key; `cryptography.exceptions.InvalidTag` when it is not theirs or was changed."""
    return _open(bytes.fromhex(system_key), wrapped, user_id.bytes)


def seal_text(person_key: bytes, event_id: UUID, text: str) -> bytes:
    """Ciphertext of a note, bound to its event: it cannot be moved to another one."""
    return _seal(person_key, text.encode(), event_id.bytes)


def seal_note(person_key: bytes | None, event_id: UUID, note: str | None) -> bytes | None:
    """Ciphertext of an event's note, if it has one; ValueError when the key of its person is not at hand."""
    if not note:
        return None
    if person_key is None:
        raise ValueError("an event with a note needs the person's key")
    return seal_text(person_key, event_id, note)


def open_text(person_key: bytes, event_id: UUID, ciphertext: bytes) -> str:
    return _open(person_key, ciphertext, event_id.bytes).decode()


def _seal(key: bytes, plain: bytes, bound_to: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to)


def _open(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
