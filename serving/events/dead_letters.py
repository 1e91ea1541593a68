"""Dead letters of the API: what was rejected is kept whole, with its free text sealed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from aurora.events.acceptance import Rejected
from aurora.events.ciphertext import seal_text

_FIELD = '"note"'


def without_note(rejected: Rejected, person_key: Callable[[], bytes], user_id: UUID) -> Rejected:
    """The same with the note as ciphertext under the person's key, bound to the person.

    Of a body that cannot be read nobody knows where the note ends: all of it is sealed.
    """
    if _FIELD not in rejected.body:
        return rejected
    try:
        content = json.loads(rejected.body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        return replace(rejected, body=json.dumps({"sealed": _seal(person_key(), user_id, rejected.body)}))
    if content.get("note") is None:
        return rejected
    note = {"sealed": _seal(person_key(), user_id, json.dumps(content["note"]))}
    return replace(rejected, body=json.dumps(content | {"note": note}, ensure_ascii=False))


def _seal(person_key: bytes, user_id: UUID, text: str) -> str:
    return seal_text(person_key, user_id, text).hex()
