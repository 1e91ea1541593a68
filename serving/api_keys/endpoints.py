"""`/api/v1/api-keys`: make, list and revoke the keys of your programs."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from fastapi import APIRouter

from aurora import clock
from serving.api_keys.schemas import KeyMade, KeyRead, KeyWanted
from serving.api_keys.storage import StoredKey, add_key, count_keys, read_keys, revoke_key
from serving.audit.recording import Change, record
from serving.auth.keys import SHOWN_LETTERS, key_digest, new_key
from serving.auth.people import find_person, lock_person
from serving.auth.scopes import check_role
from serving.dependencies import CurrentToken, CurrentWork, Here, Owner
from serving.errors import ApiKeyNotFoundError, LoginClosedError, TooManyApiKeysError
from serving.openapi import problems
from serving.pagination import NEWEST, CursorText, Limit, Order, Page, cut_page
from serving.paths import API
from serving.strict_routes import StrictRoute

router = APIRouter(prefix=f"{API}/api-keys", tags=["api-keys"], route_class=StrictRoute)


@router.post("", status_code=201, response_model=KeyMade, responses=problems(401, 403, 409, 422, 503))
async def make_key(
    wanted: KeyWanted, token: CurrentToken, person: Owner, work: CurrentWork, here: Here
) -> KeyMade:
    """Make a key for a program of yours. It is shown this once."""
    check_role(wanted.scopes, person.role)
    await lock_person(work.connection, person.user_id)
    # A key outlives the login that made it. One that was closed a moment ago makes none.
    if await find_person(work.connection, person.user_id, token.family_id) is None:
        raise LoginClosedError
    limit = here.options.keys_per_person
    if await count_keys(work.connection, person.user_id) >= limit:
        raise TooManyApiKeysError(limit)
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
    await add_key(work.connection, person.user_id, made, key_digest(key))
    change = Change(person.data_key(here.system_key), after=KeyRead(**vars(made)))
    await record(work.connection, "api_key.made", made.key_id, owner=person.user_id, change=change)
    return KeyMade(**vars(made), key=key)


@router.get("", response_model=Page[KeyRead], responses=problems(400, 401, 403, 422, 503))
async def list_keys(
    person: Owner, work: CurrentWork, cursor: CursorText = None, limit: Limit = 100
) -> Page[KeyRead]:
    """Your keys that were not revoked, the latest first."""
    order = Order.of(NEWEST, cursor)
    found = await read_keys(work.connection, person.user_id, order=order, limit=limit + 1)
    keys, next_cursor = cut_page(found, limit, order, key="key_id")
    return Page(items=[KeyRead(**vars(key)) for key in keys], next_cursor=next_cursor)


@router.delete("/{key_id}", status_code=204, responses=problems(401, 403, 404, 422, 503))
async def delete_key(key_id: UUID, person: Owner, work: CurrentWork, here: Here) -> None:
    """Revoke a key: from now on it is worth nothing."""
    if not await revoke_key(work.connection, person.user_id, key_id):
        raise ApiKeyNotFoundError
    await record(work.connection, "api_key.revoked", key_id, owner=person.user_id)
    work.after_commit.append(lambda: here.logins.forget(person.user_id))
