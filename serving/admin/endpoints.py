"""`/api/v1/admin`: accounts of others, and announcements."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from aurora.notices.knocks import knock
from aurora.notices.log import EVERYBODY, append
from aurora.notices.messages import AnnouncementNotice
from serving.admin.accounts import Wanted, list_accounts, read_account, write_account
from serving.admin.schemas import AccountChange, AccountRead, Announced, Announcement
from serving.api_keys.storage import revoke_all_keys
from serving.audit.recording import PUBLIC, Change, record
from serving.auth.errors import AccountNotFoundError, LastAdminError
from serving.auth.people import Person, lock_admins, read_data_key
from serving.auth.roles import Role
from serving.auth.sessions import revoke_all
from serving.database import Connection
from serving.dependencies import CurrentWork, Here, person_who_may
from serving.etags import UNCHANGED, IfMatch, cacheable, check_match, tagged
from serving.idempotency import MadeOnce
from serving.openapi import problems
from serving.pagination import NAME, SORT, CursorText, Limit, Order, Page, cut_page
from serving.paths import API
from serving.strict_routes import StrictRoute

router = APIRouter(prefix=f"{API}/admin", tags=["admin"], route_class=StrictRoute)
Reader = Annotated[Person, person_who_may("users:read")]
Writer = Annotated[Person, person_who_may("users:write")]
Announcer = Annotated[Person, person_who_may("announcements:write")]


@router.get("/users", response_model=Page[AccountRead], responses=problems(400, 401, 403, 422, 503))
async def read_accounts(
    _person: Reader,
    work: CurrentWork,
    role: Annotated[Role | None, Query(description="Only these")] = None,
    cohort: Annotated[str | None, Query(max_length=100, pattern=NAME, examples=["real"])] = None,
    username: Annotated[str | None, Query(max_length=100, pattern=NAME, examples=["ada"])] = None,
    sort: Annotated[Literal["-created_at", "created_at", "-username", "username"], SORT] = "-created_at",
    cursor: CursorText = None,
    limit: Limit = 100,
) -> Page[AccountRead]:
    """Accounts, the latest first unless you say otherwise."""
    order = Order.of(sort, cursor, by_text=["username"])
    found = await list_accounts(work.connection, Wanted(role, cohort, username), order, limit + 1)
    accounts, next_cursor = cut_page(found, limit, order, key="user_id")
    return Page(items=accounts, next_cursor=next_cursor)


@router.get(
    "/users/{user_id}", response_model=AccountRead, responses=UNCHANGED | problems(401, 403, 404, 422, 503)
)
async def read_one_account(user_id: UUID, _person: Reader, work: CurrentWork, request: Request) -> Response:
    """One account."""
    return cacheable(await _account(work.connection, user_id), request)


@router.patch(
    "/users/{user_id}", response_model=AccountRead, responses=problems(401, 403, 404, 409, 412, 422, 503)
)
async def change_account(
    user_id: UUID,
    change: AccountChange,
    _person: Writer,
    work: CurrentWork,
    here: Here,
    if_match: IfMatch = None,
) -> Response:
    """Give somebody a role or a quota of their own. What they may changes with their next request, of keys too."""
    admins = await lock_admins(work.connection)
    before = await _account(work.connection, user_id)
    check_match(if_match, before)
    after = before.model_copy(update=change.model_dump(exclude_unset=True))
    if after.role != "admin" and admins == {user_id}:
        raise LastAdminError
    await write_account(work.connection, user_id, after.role, after.requests_per_minute)
    key = await read_data_key(work.connection, user_id, here.system_key)
    what = {"role", "requests_per_minute"}
    given = Change(key, before.model_dump(include=what), after.model_dump(include=what))
    await record(work.connection, "role.given", user_id, owner=user_id, change=given)
    work.after_commit.append(lambda: here.logins.forget(user_id))
    return tagged(await _account(work.connection, user_id))


@router.delete("/users/{user_id}/sessions", status_code=204, responses=problems(401, 403, 404, 422, 503))
async def close_account(user_id: UUID, _person: Writer, work: CurrentWork, here: Here) -> None:
    """Close every login and revoke every key of somebody, for instance because they were stolen."""
    await _account(work.connection, user_id)
    await revoke_all(work.connection, user_id)
    await revoke_all_keys(work.connection, user_id)
    await record(work.connection, "access.withdrawn", user_id, owner=user_id)
    work.after_commit.append(lambda: here.logins.forget(user_id))


@router.post(
    "/announcements", status_code=201, response_model=Announced, responses=problems(401, 403, 422, 503)
)
async def announce(
    told: Announcement, person: Announcer, work: CurrentWork, here: Here, once: MadeOnce
) -> Response:
    """Tell everybody who listens on `system:announcements`, or comes back within three days."""

    async def tell() -> Announced:
        heads = await append(work.connection, [(EVERYBODY, AnnouncementNotice(text=told.text))])
        said = Change(PUBLIC, after=told)
        await record(work.connection, "announcement.made", heads[0].position, owner=None, change=said)
        work.after_commit.append(lambda: knock(here.redis.client, heads))
        return Announced(position=heads[0].position)

    return await once.answer(work.connection, person.user_id, tell, status=201)


async def _account(connection: Connection, user_id: UUID) -> AccountRead:
    account = await read_account(connection, user_id)
    if account is None:
        raise AccountNotFoundError
    return account
