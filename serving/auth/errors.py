"""What the API answers about who somebody is and what they may, as exceptions. See serving/errors.py."""

from __future__ import annotations

from aurora.errors import AuroraError


class CredentialsInvalidError(AuroraError):
    def __init__(self) -> None:
        super().__init__("user name (or e-mail address) or password is wrong")


class TokenInvalidError(AuroraError):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class LoginClosedError(TokenInvalidError):
    """Of a token that verifies, and of a key that was known before."""

    def __init__(self) -> None:
        super().__init__("this login was closed, or this key revoked; log in again")


class TokenMissingError(AuroraError):
    def __init__(self) -> None:
        super().__init__(
            "send an access token or an API key: `Authorization: Bearer …` (POST /api/v1/auth/login gives a token)"
        )


class ScopeMissingError(AuroraError):
    def __init__(self, scope: str, *, takes_login: bool) -> None:
        super().__init__(
            "no API key may do this: log in (POST /api/v1/auth/login)"
            if takes_login
            else f"this API key was not made for the scope {scope}: make one that has it"
        )


class RoleMissingError(AuroraError):
    def __init__(self) -> None:
        super().__init__("your role does not allow this; an administrator can give you another one")


class ApiKeyNotFoundError(AuroraError):
    def __init__(self) -> None:
        super().__init__("you have no API key with this id")


class TooManyApiKeysError(AuroraError):
    def __init__(self, limit: int) -> None:
        super().__init__(f"a person may have {limit} API keys; revoke one first")


class AccountNotFoundError(AuroraError):
    def __init__(self) -> None:
        super().__init__("there is no account with this id")


class LastAdminError(AuroraError):
    def __init__(self) -> None:
        super().__init__("this is the last administrator: give somebody else the role first")


class RegistrationClosedError(AuroraError):
    def __init__(self) -> None:
        super().__init__("nobody can make an account at this time")


class TokenReusedError(AuroraError):
    def __init__(self) -> None:
        super().__init__(
            "this refresh token was used before; the login it belongs to is closed: log in again"
        )


class UsernameTakenError(AuroraError):
    def __init__(self) -> None:
        super().__init__("this user name is taken")


class PasswordWrongError(AuroraError):
    """Of somebody who is logged in: no reason to log in again, so not a 401."""

    def __init__(self) -> None:
        super().__init__("the current password is another one")


class EmailTakenError(AuroraError):
    """Told to whoever has the link, which went to this address: to the owner of both accounts."""

    def __init__(self) -> None:
        super().__init__("another account has this address; log in there, or give this one another address")


class EmailNotWaitingError(AuroraError):
    def __init__(self) -> None:
        super().__init__("no address of yours waits for its confirmation (POST /api/v1/auth/email sets one)")


class EmailUnverifiedError(AuroraError):
    def __init__(self) -> None:
        super().__init__(
            "confirm an e-mail address first (POST /api/v1/auth/email/verification sends the link)"
        )


class LinkInvalidError(AuroraError):
    """The same for every reason, so that nothing is learned by trying."""

    def __init__(self) -> None:
        super().__init__("this link was used before, has ended, or another took its place; ask for a new one")


class SessionNotFoundError(AuroraError):
    def __init__(self) -> None:
        super().__init__("you have no open login with this id")


class UserNotFoundError(AuroraError):
    def __init__(self, username: str) -> None:
        super().__init__(f"there is no person called {username!r}")


class PasswordUnacceptableError(AuroraError):
    """A password that is too short, or longer than bcrypt can read."""
