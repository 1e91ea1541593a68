"""`/api/v1/auth`, where e-mails are sent: confirm an address, reset a password; and the end of an account."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from serving.auth.email_schemas import (
    AccountDeleted,
    AccountDeletion,
    EmailChange,
    EmailConfirmation,
    EmailPromised,
    ForgottenPassword,
    PasswordReset,
)
from serving.dependencies import Here, OwnerAlone
from serving.openapi import problems
from serving.paths import EMAIL, ME, PASSWORD
from serving.strict_routes import StrictRoute

router = APIRouter(tags=["auth"], route_class=StrictRoute)

_LINK_SENT: Final = EmailPromised(detail="A link is on its way to this address. It holds for 48 hours.")
_YOURS_ALREADY: Final = EmailPromised(detail="This address is yours already. No other waits any more.")
_PERHAPS_SENT: Final = EmailPromised(
    detail="If an account has confirmed this address, a link is on its way to it. It holds for an hour."
)
_AFTERWARDS: Final = (
    "Your account is closed: nobody can log in, and all logins have ended. Its data wait for their erasure. "
    "Until that is done, nobody else can have its user name or its address."
)


@router.post(EMAIL, status_code=202, response_model=EmailPromised, responses=problems(401, 403, 422, 503))
async def change_email(wanted: EmailChange, person: OwnerAlone, here: Here) -> EmailPromised:
    """Set or change your address. A link goes to it; until it is confirmed, the one before stays in use."""
    verified = await here.accounts.check_it_is(person, wanted.current_password)
    is_sent = await here.addresses.want(person, wanted.email, verified)
    return _LINK_SENT if is_sent else _YOURS_ALREADY


@router.post(
    f"{EMAIL}/verification",
    status_code=202,
    response_model=EmailPromised,
    responses=problems(401, 403, 409, 503),
)
async def send_verification(person: OwnerAlone, here: Here) -> EmailPromised:
    """Another link to the address that waits for its confirmation."""
    await here.addresses.send_again(person)
    return _LINK_SENT


@router.post(f"{EMAIL}/confirm", status_code=204, responses=problems(409, 422, 503))
async def confirm_email(given: EmailConfirmation, here: Here) -> None:
    """Confirm your address with the token of the link. From now on you can log in with it."""
    await here.addresses.confirm(given.token)


@router.post(
    f"{PASSWORD}/forgotten", status_code=202, response_model=EmailPromised, responses=problems(422, 503)
)
async def forget_password(given: ForgottenPassword, here: Here) -> EmailPromised:
    """A link to choose a new password, sent to a confirmed address. The answer is the same for every address."""
    await here.recovery.ask(given.email)
    return _PERHAPS_SENT


@router.post(f"{PASSWORD}/reset", status_code=204, responses=problems(422, 503))
async def reset_password(wanted: PasswordReset, here: Here) -> None:
    """A new password, with the token of the link. All your logins are closed."""
    await here.recovery.reset(wanted.token, wanted.new_password)


@router.delete(
    ME, status_code=202, response_model=AccountDeleted, responses=problems(401, 403, 409, 422, 503)
)
async def delete_me(given: AccountDeletion, person: OwnerAlone, here: Here) -> AccountDeleted:
    """Delete your account. It closes at once; its data wait for their erasure. The last administrator stays."""
    deleted_at = await here.accounts.leave(person, given.current_password)
    return AccountDeleted(deleted_at=deleted_at, detail=_AFTERWARDS)
