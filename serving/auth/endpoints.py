"""`/api/v1/auth`: register, log in, refresh, log out, me."""

from __future__ import annotations

from fastapi import APIRouter

from serving.auth.people import Person
from serving.auth.schemas import Login, Refresh, Registered, Registration, TokenPair, UserRead
from serving.dependencies import CurrentPerson, CurrentToken, CurrentWork, Here
from serving.openapi import problems
from serving.paths import AUTH

router = APIRouter(prefix=AUTH, tags=["auth"])


@router.post("/register", status_code=201, response_model=Registered, responses=problems(409, 422, 503))
async def register_user(wanted: Registration, here: Here) -> Registered:
    """Make an account. Log in with it next."""
    return await here.accounts.register(wanted)


@router.post("/login", response_model=TokenPair, responses=problems(401, 422, 503))
async def log_in(given: Login, here: Here) -> TokenPair:
    """An access token for 30 minutes and a refresh token for 7 days."""
    return await here.accounts.log_in(given)


@router.post("/refresh", response_model=TokenPair, responses=problems(401, 422, 503))
async def refresh_tokens(given: Refresh, here: Here) -> TokenPair:
    """The next pair of tokens. A refresh token works once; used again it closes the whole login."""
    return await here.accounts.refresh(given.refresh_token)


@router.post("/logout", status_code=204, responses=problems(401, 503))
async def log_out(token: CurrentToken, person: CurrentPerson, work: CurrentWork, here: Here) -> None:
    """Close this login, on all of its devices' tokens at once."""
    del person
    await here.accounts.log_out(work.connection, token.family_id)


@router.get("/me", response_model=UserRead, responses=problems(401, 503))
async def read_me(person: CurrentPerson, here: Here) -> UserRead:
    """Your own account."""
    return _read(person, here.system_key)


def _read(person: Person, system_key: str) -> UserRead:
    return UserRead(
        user_id=person.user_id,
        username=person.username,
        display_name=person.display_name,
        email=person.email(system_key),
        tz=person.tz,
        cohort=person.cohort,
        created_at=person.created_at,
    )
