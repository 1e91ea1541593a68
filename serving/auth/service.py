"""Decisions of accounts: register, log in, refresh, log out."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from aurora import clock
from serving.auth.passwords import Passwords, check_password
from serving.auth.people import find_login, insert_person, new_person_row
from serving.auth.schemas import Login, Registered, Registration, TokenPair
from serving.auth.sessions import Rotated, add_session, revoke_family, rotate
from serving.auth.tokens import TokenIssuer, TokenReader
from serving.database import Connection, Database
from serving.errors import CredentialsInvalidError, TokenInvalidError, TokenReusedError

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
        *,
        system_key: str,
        grace: timedelta,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._issuer = issuer
        self._reader = reader
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

    async def log_in(self, given: Login) -> TokenPair:
        """Tokens for a right password. A wrong name takes as long as a wrong password and says the same."""
        async with self._database.transaction() as connection:
            user_id, stored = await find_login(connection, given.username)
        is_right = await self._passwords.verify(given.password, stored)
        if user_id is None or not is_right:
            raise CredentialsInvalidError
        async with self._database.transaction() as connection:
            return await self._issue(connection, user_id, uuid4())

    async def refresh(self, token: str) -> TokenPair:
        """The next pair of tokens; the old refresh token is used up."""
        self._reader.claims(token, "refresh")
        async with self._database.transaction() as connection:
            outcome = await rotate(connection, token, now=clock.now(), grace=self._grace)
            if isinstance(outcome, Rotated):
                return await self._issue(connection, outcome.user_id, outcome.family_id)
        # Outside of the transaction: a revoked family has to stay revoked.
        if outcome == "reused":
            raise TokenReusedError
        raise TokenInvalidError(REFUSALS[outcome])

    async def log_out(self, connection: Connection, family_id: UUID) -> None:
        """Close the login: its access and refresh tokens are worth nothing from now on."""
        await revoke_family(connection, family_id)

    async def _issue(self, connection: Connection, user_id: UUID, family_id: UUID) -> TokenPair:
        now = clock.now()
        refresh = self._issuer.issue("refresh", user_id, family_id, now)
        await add_session(
            connection,
            user_id=user_id,
            family_id=family_id,
            token=refresh,
            now=now,
            lifetime=self._issuer.lifetime("refresh"),
        )
        return TokenPair(
            access_token=self._issuer.issue("access", user_id, family_id, now),
            refresh_token=refresh,
            expires_in=int(self._issuer.lifetime("access").total_seconds()),
            refresh_expires_in=int(self._issuer.lifetime("refresh").total_seconds()),
        )
