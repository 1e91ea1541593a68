"""Writes a mutation down, in its own transaction: both are there, or neither.

Of what was changed the row has no word, only keyed hashes of what its owner saw before and after. Whoever has a copy
of such a state and the person's data key can prove that it was this one; nobody can guess it, and when the person is
erased and their key with them, the hashes say nothing any more.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, LiteralString
from uuid import UUID

from pydantic import BaseModel

from aurora.events.canonical import canonical
from aurora.events.ciphertext import digest_root
from aurora.secrets import derive
from serving.audit.actors import Actor, caller
from serving.audit.catalogue import ACTIONS
from serving.database import Connection
from serving.request_ids import REQUEST_ID

State = BaseModel | Mapping[str, Any]
"""What the owner of a thing may see of it: never a secret."""

PUBLIC: Final = b"\x00" * 32
"""In place of a person's data key, for what everybody was told."""

INSERT_ROW: Final[LiteralString] = """
    insert into app.audit (
        action, actor_kind, actor_id, credential_id, subject_user_id, subject_id, before_hash, after_hash, request_id
    )
    values (
        %(action)s, %(actor_kind)s, %(actor_id)s, %(credential_id)s, %(subject_user_id)s, %(subject_id)s,
        %(before_hash)s, %(after_hash)s, %(request_id)s
    )
"""


@dataclass(frozen=True)
class Change:
    """What a thing was and is, and the data key of its owner: `own_key` of the system, or PUBLIC, where it has none."""

    data_key: bytes
    before: State | None = None
    after: State | None = None


def own_key(system_key: str) -> bytes:
    """In place of a person's data key, for what is the system's own: it may name people, and is not for everybody."""
    return bytes.fromhex(derive(digest_root(system_key), "own states in the audit trail"))


def new_row(
    action: str,
    subject: object,
    *,
    owner: UUID | None,
    actor: Actor | None = None,
    change: Change | None = None,
) -> dict[str, Any]:
    """The values of INSERT_ROW. `subject` is the id of what was changed, `owner` the person to whom it belongs."""
    by = actor or caller()
    return {
        "action": ACTIONS[action].name,
        "actor_kind": by.kind,
        "actor_id": by.user_id,
        "credential_id": by.credential_id,
        "subject_user_id": owner,
        "subject_id": str(subject),
        "before_hash": change and state_hash(change.data_key, change.before),
        "after_hash": change and state_hash(change.data_key, change.after),
        "request_id": REQUEST_ID.get(),
    }


async def record(
    connection: Connection,
    action: str,
    subject: object,
    *,
    owner: UUID | None,
    actor: Actor | None = None,
    change: Change | None = None,
) -> None:
    """Write down, in the caller's transaction, that somebody did this: whoever asks, unless `actor` says another."""
    row = new_row(action, subject, owner=owner, actor=actor, change=change)
    await connection.execute(INSERT_ROW, row)


def state_hash(data_key: bytes, state: State | None) -> bytes | None:
    """The keyed hash of a state; None where there is none."""
    if state is None:
        return None
    key = bytes.fromhex(derive(data_key.hex(), "states in the audit trail"))
    shown = state.model_dump(mode="json") if isinstance(state, BaseModel) else dict(state)
    return hmac.new(key, canonical(shown), hashlib.sha256).digest()
