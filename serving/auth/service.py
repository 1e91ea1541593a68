"""Decisions of accounts: register, log in, refresh, log out, change the password."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from aurora import clock
from serving.auth.logins import Logins
from serving.auth.passwords import Passwords, check_password
from serving.auth.people import (
    Person,
    find_login,
    insert_person,
    new_person_row,
    read_password_hash,
    replace_password_hash,
)
from serving.auth.schemas import Login, PasswordChange, Registered, Registration, TokenPair
from serving.auth.sessions import Reused, Rotated, add_session, revoke_all, rotate
from serving.auth.tokens import TokenIssuer, TokenReader
from serving.database import Connection, Database
from serving.errors import CredentialsInvalidError, PasswordWrongError, TokenInvalidError, TokenReusedError

USER_AGENT_LENGTH = 200

REFUSALS = {
    "unknown": "this refresh token was not issued by this API",
    "expired": "this refresh token has expired; log in again",
    "revoked": "this login was closed; log in again",
    "twin": "this refresh token was used a moment ago; use the tokens that it gave",
}


class Accounts:
    """Accounts and sessions over one database."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        issuer: TokenIssuer,
        reader: TokenReader,
        logins: Logins,
        *,
        system_key: str,
        grace: timedelta,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._issuer = issuer
        self._reader = reader
        self._logins = logins
        self._system_key = system_key
        self._grace = grace

    async def register(self, wanted: Registration) -> Registered:
        """Make an account; UsernameTakenError, PasswordUnacceptableError or UnknownTimeZoneError."""
        check_password(wanted.password, wanted.username)
        clock.zone(wanted.tz)
        # No connection is held while the password is hashed.
        row = new_person_row(
            username=wanted.username,
            password_hash=await self._passwords.hash(wanted.password),
            tz=wanted.tz,
            system_key=self._system_key,
            email=wanted.email,
            display_name=wanted.display_name,
        )
        async with self._database.transaction() as connection:
            await insert_person(connection, row)
        return Registered(user_id=row["user_id"], username=wanted.username, tz=wanted.tz)

    async def log_in(self, given: Login, *, user_agent: str | None = None) -> TokenPair:
        """Tokens for a right password. A wrong name takes as long as a wrong password and says the same."""
        async with self._database.transaction() as connection:
            user_id, stored = await find_login(connection, given.username)
        is_right = await self._passwords.verify(given.password, stored)
        if user_id is None or not is_right:
            raise CredentialsInvalidError
        async with self._database.transaction() as connection:
            return await self._issue(connection, user_id, uuid4(), _shortened(user_agent))

    async def refresh(self, token: str) -> TokenPair:
        """The next pair of tokens; the old refresh token is used up."""
        self._reader.claims(token, "refresh")
        async with self._database.transaction() as connection:
            outcome = await rotate(connection, token, now=clock.now(), grace=self._grace)
            if isinstance(outcome, Rotated):
                return await self._issue(connection, outcome.user_id, outcome.family_id, outcome.user_agent)
        # Outside of the transaction: a revoked family has to stay revoked.
        if isinstance(outcome, Reused):
            await self._logins.forget(outcome.user_id)
            raise TokenReusedError
        raise TokenInvalidError(REFUSALS[outcome])

    async def change_password(self, person: Person, family_id: UUID, wanted: PasswordChange) -> None:
        """Set a new password and close all logins but this one; PasswordWrongError when the current one is not right,
        PasswordUnacceptableError when the new one will not do.
        """
        check_password(wanted.new_password, person.username)
        async with self._database.transaction() as connection:
            stored = await read_password_hash(connection, person.user_id)
        if not await self._passwords.verify(wanted.current_password, stored):
            raise PasswordWrongError
        new = await self._passwords.hash(wanted.new_password)
        async with self._database.transaction() as connection:
            # Of two changes at once one wins; the password that the other was given is no longer the current one.
            if not await replace_password_hash(connection, person.user_id, stored, new):
                raise PasswordWrongError
            await revoke_all(connection, person.user_id, kept=family_id)
        await self._logins.forget(person.user_id)

    async def _issue(
        self, connection: Connection, user_id: UUID, family_id: UUID, user_agent: str | None
    ) -> TokenPair:
        now = clock.now()
        refresh = self._issuer.issue("refresh", user_id, family_id, now)
        await add_session(
            connection,
            user_id=user_id,
            family_id=family_id,
            token=refresh,
            now=now,
            lifetime=self._issuer.lifetime("refresh"),
            user_agent=user_agent,
        )
        return TokenPair(
            access_token=self._issuer.issue("access", user_id, family_id, now),
            refresh_token=refresh,
            expires_in=int(self._issuer.lifetime("access").total_seconds()),
            refresh_expires_in=int(self._issuer.lifetime("refresh").total_seconds()),
        )


def _shortened(user_agent: str | None) -> str | None:
    """What a client says it is, as much as a person recognises it by; None when it cannot be shown."""
    return user_agent[:USER_AGENT_LENGTH] if user_agent and user_agent.isprintable() else None
