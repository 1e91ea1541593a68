"""`/api/v1/api-keys`: make, list and revoke the keys of your programs."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from serving.api_keys.schemas import KeyMade, KeyRead, KeyWanted
from serving.api_keys.service import make_key_for
from serving.api_keys.storage import read_keys, revoke_key
from serving.audit.recording import record
from serving.auth.errors import ApiKeyNotFoundError
from serving.dependencies import CurrentToken, CurrentWork, Here, Owner
from serving.idempotency import MadeOnce
from serving.openapi import problems
from serving.pagination import NEWEST, CursorText, Limit, Order, Page, cut_page
from serving.paths import API
from serving.strict_routes import StrictRoute

router = APIRouter(prefix=f"{API}/api-keys", tags=["api-keys"], route_class=StrictRoute)


@router.post("", status_code=201, response_model=KeyMade, responses=problems(401, 403, 409, 422, 503))
async def make_key(
    wanted: KeyWanted, token: CurrentToken, person: Owner, work: CurrentWork, here: Here, once: MadeOnce
) -> Response:
    """Make a key for a program of yours. It is shown this once."""
    person_key, most = person.data_key(here.system_key), here.options.keys_per_person
    return await once.answer(
        work.connection,
        person.user_id,
        lambda: make_key_for(work.connection, person, token, person_key, wanted, most=most),
        status=201,
        data_key=person_key,
    )


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
