"""Making an API key."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from aurora import clock
from serving.api_keys.schemas import KeyMade, KeyRead, KeyWanted
from serving.api_keys.storage import StoredKey, add_key, count_keys
from serving.audit.recording import Change, record
from serving.auth.errors import LoginClosedError, TooManyApiKeysError
from serving.auth.keys import SHOWN_LETTERS, key_digest, new_key
from serving.auth.people import Person, find_person, lock_person
from serving.auth.scopes import check_role
from serving.auth.tokens import AccessToken
from serving.database import Connection


async def make_key_for(
    connection: Connection,
    person: Person,
    token: AccessToken,
    person_key: bytes,
    wanted: KeyWanted,
    *,
    most: int,
) -> KeyMade:
    """A key; TooManyApiKeysError when there are `most` that hold, RoleMissingError beyond the person's role."""
    check_role(wanted.scopes, person.role)
    await lock_person(connection, person.user_id)
    # A key outlives the login that made it. One that was closed a moment ago makes none.
    if await find_person(connection, person.user_id, token.family_id) is None:
        raise LoginClosedError
    if await count_keys(connection, person.user_id) >= most:
        raise TooManyApiKeysError(most)
    key, now = new_key(), clock.now()
    days = wanted.expires_in_days
    made = StoredKey(
        key_id=uuid4(),
        name=wanted.name,
        prefix=key[:SHOWN_LETTERS],
        scopes=sorted(set(wanted.scopes)),
        created_at=now,
        expires_at=None if days is None else now + timedelta(days=days),
        last_used_at=None,
    )
    await add_key(connection, person.user_id, made, key_digest(key))
    change = Change(person_key, after=KeyRead(**vars(made)))
    await record(connection, "api_key.made", made.key_id, owner=person.user_id, change=change)
    return KeyMade(**vars(made), key=key)
