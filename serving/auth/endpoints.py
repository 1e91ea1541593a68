"""`/api/v1/auth`: register, log in, refresh, log out; the account, its password and its open logins."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from aurora import clock
from serving.audit.recording import Change, record
from serving.auth.errors import RegistrationClosedError, SessionNotFoundError
from serving.auth.people import Person
from serving.auth.profiles import read_profile, write_profile
from serving.auth.schemas import (
    Login,
    PasswordChange,
    ProfileChange,
    Refresh,
    Registered,
    Registration,
    SessionRead,
    TokenPair,
    UserRead,
)
from serving.auth.sessions import open_logins, revoke_all, revoke_family, revoke_one
from serving.dependencies import (
    CurrentToken,
    CurrentWork,
    Here,
    Owner,
    OwnerAlone,
    person_who_may,
)
from serving.etags import UNCHANGED, IfMatch, cacheable, check_match, tagged
from serving.openapi import problems
from serving.pagination import SORT, Limit, Order, Page, cursor_query, cut_page
from serving.parameters import YesOrNo
from serving.paths import AUTH, PASSWORD
from serving.strict_routes import StrictRoute

router = APIRouter(prefix=AUTH, tags=["auth"], route_class=StrictRoute)
ProfileReader = Annotated[Person, person_who_may("profile:read")]
ProfileWriter = Annotated[Person, person_who_may("profile:write")]


@router.post("/register", status_code=201, response_model=Registered, responses=problems(403, 409, 422, 503))
async def register_user(wanted: Registration, here: Here) -> Registered:
    """Make an account. Log in with it next. An e-mail address gets a link to confirm it."""
    if not here.flags.is_on("registration"):
        raise RegistrationClosedError
    if wanted.email is not None:
        await here.addresses.count_email_to(wanted.email)
    return await here.accounts.register(wanted)


@router.post("/login", response_model=TokenPair, responses=problems(401, 422, 503))
async def log_in(given: Login, here: Here, request: Request) -> TokenPair:
    """An access token for 30 minutes and a refresh token for 7 days, for a user name or a confirmed address."""
    return await here.accounts.log_in(given, user_agent=request.headers.get("user-agent"))


@router.post("/refresh", response_model=TokenPair, responses=problems(401, 422, 503))
async def refresh_tokens(given: Refresh, here: Here) -> TokenPair:
    """The next pair of tokens. A refresh token works once; used again it closes the whole login."""
    return await here.accounts.refresh(given.refresh_token)


@router.post("/logout", status_code=204, responses=problems(401, 403, 503))
async def log_out(token: CurrentToken, person: Owner, work: CurrentWork, here: Here) -> None:
    """Close this login, on all of its devices' tokens at once."""
    await revoke_family(work.connection, person.user_id, token.family_id)
    await record(work.connection, "session.closed", token.family_id, owner=person.user_id)
    work.after_commit.append(lambda: here.logins.forget(person.user_id))


@router.get("/sessions", response_model=Page[SessionRead], responses=problems(400, 401, 403, 422, 503))
async def read_sessions(
    token: CurrentToken,
    person: Owner,
    work: CurrentWork,
    sort: Annotated[
        Literal["-started_at", "started_at", "-last_refreshed_at", "last_refreshed_at"], SORT
    ] = "-started_at",
    cursor: Annotated[str | None, cursor_query("-started_at")] = None,
    limit: Limit = 100,
) -> Page[SessionRead]:
    """Your open logins, the latest first unless you say otherwise."""
    order = Order.of(sort, cursor)
    found = await open_logins(work.connection, person.user_id, clock.now(), order=order, limit=limit + 1)
    logins, next_cursor = cut_page(found, limit, order, key="family_id")
    return Page(
        items=[
            SessionRead(
                session_id=login.family_id,
                user_agent=login.user_agent,
                started_at=login.started_at,
                last_refreshed_at=login.last_refreshed_at,
                expires_at=login.expires_at,
                is_current=login.family_id == token.family_id,
            )
            for login in logins
        ],
        next_cursor=next_cursor,
    )


@router.delete("/sessions", status_code=204, responses=problems(401, 403, 422, 503))
async def close_sessions(
    token: CurrentToken,
    person: Owner,
    work: CurrentWork,
    here: Here,
    keep_current: Annotated[YesOrNo, Query(description="All but the one that you ask with")] = False,  # noqa: FBT002  # a query parameter
) -> None:
    """Log out everywhere: none of your tokens is worth anything from now on."""
    kept = token.family_id if keep_current else None
    await revoke_all(work.connection, person.user_id, kept=kept)
    await record(work.connection, "sessions.closed", person.user_id, owner=person.user_id)
    work.after_commit.append(lambda: here.logins.forget(person.user_id))


@router.delete("/sessions/{session_id}", status_code=204, responses=problems(401, 403, 404, 422, 503))
async def close_session(session_id: UUID, person: Owner, work: CurrentWork, here: Here) -> None:
    """Close one login, for instance of a phone that was lost."""
    if not await revoke_one(work.connection, person.user_id, session_id, clock.now()):
        raise SessionNotFoundError
    await record(work.connection, "session.closed", session_id, owner=person.user_id)
    work.after_commit.append(lambda: here.logins.forget(person.user_id))


@router.post(PASSWORD.removeprefix(AUTH), status_code=204, responses=problems(401, 403, 422, 503))
async def change_password(
    wanted: PasswordChange, token: CurrentToken, person: OwnerAlone, here: Here
) -> None:
    """A new password. All your other logins are closed."""
    await here.accounts.change_password(person, token.family_id, wanted)


@router.get("/me", response_model=UserRead, responses=UNCHANGED | problems(401, 403, 503))
async def read_me(person: ProfileReader, work: CurrentWork, here: Here, request: Request) -> Response:
    """Your own account."""
    profile = await read_profile(work.connection, person.user_id)
    return cacheable(profile.shown(person, here.system_key), request)


@router.patch("/me", response_model=UserRead, responses=problems(401, 403, 412, 422, 503))
async def change_me(
    change: ProfileChange, person: ProfileWriter, work: CurrentWork, here: Here, if_match: IfMatch = None
) -> Response:
    """Change your profile; what you do not name stays. Days that are over keep the time zone they had."""
    before = await read_profile(work.connection, person.user_id, lock=True)
    seen = before.shown(person, here.system_key)
    check_match(if_match, seen)
    after = before.changed(change)
    shown = after.shown(person, here.system_key)
    await write_profile(work.connection, person.user_id, after)
    changed = Change(person.data_key(here.system_key), seen, shown)
    await record(work.connection, "profile.changed", person.user_id, owner=person.user_id, change=changed)
    work.after_commit.append(lambda: here.logins.forget(person.user_id))
    if after.tz != before.tz:
        # Which day it is has changed, and with it what can be expected of it.
        work.after_commit.append(lambda: here.kept.invalidate("predictions", [person.user_id]))
    return tagged(shown)
