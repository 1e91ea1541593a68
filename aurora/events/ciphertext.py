"""Free text and addresses at rest: AES-256-GCM under the person's own data key, which the system's key ring wraps.

Erasing a person destroys the wrapped key: every copy of the text, wherever it lies, is unreadable then.

The ring (`AURORA_DATA_KEY`) is one key or several, separated by spaces. The first wraps; all of them unwrap, so that a
new one can be put first while everything runs (`aurora keys rewrap`). Of the last the keys of digests are derived, by
which notes are compared and addresses are found: it is never exchanged, and need not wrap anything any more.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from functools import lru_cache
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aurora.errors import AuroraError
from aurora.secrets import derive

_NONCE_BYTES: Final = 12
_KEY: Final = re.compile(r"[0-9a-fA-F]{64}")


class DataKeyInvalidError(AuroraError):
    def __init__(self) -> None:
        super().__init__(
            "AURORA_DATA_KEY holds keys of 64 hexadecimal digits, separated by spaces; the first wraps"
            ' (`python3 -c "import secrets; print(secrets.token_hex(32))"` makes one)'
        )


@lru_cache(maxsize=8)
def _ring(system_key: str) -> tuple[bytes, ...]:
    """The keys of the ring, that which wraps first; DataKeyInvalidError when they are not keys."""
    keys = system_key.split()
    if not keys or not all(_KEY.fullmatch(key) for key in keys):
        raise DataKeyInvalidError
    return tuple(bytes.fromhex(key) for key in keys)


def digest_root(system_key: str) -> str:
    """The key that stays when others are exchanged: keys of whatever has to be found or verified again come from it."""
    return system_key.rsplit(maxsplit=1)[-1]


def new_person_key(system_key: str, user_id: UUID) -> bytes:
    """A fresh data key of one person, wrapped: what `app.users.data_key_ciphertext` holds."""
    return wrap(system_key, user_id, AESGCM.generate_key(bit_length=256))


def wrap(system_key: str, user_id: UUID, person_key: bytes) -> bytes:
    """A person's data key under the first key of the ring."""
    return _seal(_ring(system_key)[0], person_key, user_id.bytes)


def note_hash_key(system_key: str) -> bytes:
    """Keys the digest of free text in the body hash of events, the same for every way in."""
    return bytes.fromhex(derive(digest_root(system_key), "digest of notes"))


def address_hash(system_key: str, address: str) -> bytes:
    """By which an e-mail address is found that is stored encrypted. Capital letters make no other address."""
    key = bytes.fromhex(derive(digest_root(system_key), "addresses of people"))
    return hmac.new(key, address.strip().casefold().encode(), hashlib.sha256).digest()


def unwrap(system_key: str, user_id: UUID, wrapped: bytes) -> bytes:
    """The person's data key; `cryptography.exceptions.InvalidTag` when it is not theirs or was changed."""
    return _open_by_any(_ring(system_key), wrapped, user_id.bytes)


def is_wrapped_by_first(system_key: str, user_id: UUID, wrapped: bytes) -> bool:
    """Whether it is the first key of the ring that wraps this person's."""
    try:
        _open(_ring(system_key)[0], wrapped, user_id.bytes)
    except InvalidTag:
        return False
    return True


def seal_for_now(system_key: str, row_id: UUID, text: str) -> bytes:
    """Text that belongs to nobody yet, for as long as it waits."""
    return _seal(_ring(system_key)[0], text.encode(), row_id.bytes)


def open_for_now(system_key: str, row_id: UUID, ciphertext: bytes) -> str:
    return _open_by_any(_ring(system_key), ciphertext, row_id.bytes).decode()


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


def _open_by_any(keys: tuple[bytes, ...], sealed: bytes, bound_to: bytes) -> bytes:
    for key in keys[:-1]:
        try:
            return _open(key, sealed, bound_to)
        except InvalidTag:
            continue
    return _open(keys[-1], sealed, bound_to)


def _open(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
