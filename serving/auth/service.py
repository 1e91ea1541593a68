"""Decisions of accounts: register, log in, refresh, log out, change the password, leave."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, LiteralString
from uuid import UUID, uuid4

from aurora import clock
from aurora.events.ciphertext import unwrap
from serving.audit.actors import SYSTEM, VISITOR, by_login
from serving.audit.recording import Change, record
from serving.auth.errors import (
    CredentialsInvalidError,
    LastAdminError,
    PasswordWrongError,
    TokenInvalidError,
    TokenReusedError,
)
from serving.auth.logins import Logins
from serving.auth.password_rules import check_password
from serving.auth.passwords import Passwords
from serving.auth.people import (
    Person,
    find_login,
    insert_person,
    lock_admins,
    lock_person,
    new_person_row,
    read_password_hash,
    replace_password_hash,
)
from serving.auth.schemas import Login, PasswordChange, Registered, Registration, TokenPair
from serving.auth.sessions import Reused, Rotated, add_session, revoke_all, rotate
from serving.auth.tokens import TokenIssuer, TokenReader
from serving.database import Connection, Database
from serving.emails.links import void_links
from serving.emails.outgoing import Mailbag
from serving.emails.spelling import hash_of_login
from serving.rate_limits import RateLimiter

USER_AGENT_LENGTH = 200

REFUSALS = {
    "unknown": "this refresh token was not issued by this API",
    "expired": "this refresh token has expired; log in again",
    "revoked": "this login was closed; log in again",
    "twin": "this refresh token was used a moment ago; use the tokens that it gave",
}

# The row keeps user name and address: nobody else gets them before the erasure is done.
_CLOSE: Final[LiteralString] = """
    update app.users set deleted_at = %(now)s where user_id = %(user_id)s and deleted_at is null
"""


class Accounts:
    """Accounts and sessions over one database."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        issuer: TokenIssuer,
        reader: TokenReader,
        mailbag: Mailbag,
        logins: Logins,
        limiter: RateLimiter,
        *,
        system_key: str,
        grace: timedelta,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._issuer = issuer
        self._reader = reader
        self._mailbag = mailbag
        self._logins = logins
        self._limiter = limiter
        self._system_key = system_key
        self._grace = grace

    async def register(self, wanted: Registration) -> Registered:
        """Make an account; UsernameTakenError, PasswordUnacceptableError or UnknownTimeZoneError."""
        check_password(wanted.password, wanted.username, wanted.email)
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
        user_id: UUID = row["user_id"]
        data_key = unwrap(self._system_key, user_id, row["key"])
        made = Change(data_key, after=wanted.model_dump(exclude={"password"}))
        async with self._database.transaction() as connection:
            await insert_person(connection, row)
            await record(connection, "account.registered", user_id, owner=user_id, actor=VISITOR, change=made)
            if wanted.email is not None:
                await self._mailbag.add(
                    connection, "verify", user_id=user_id, data_key=data_key, address=wanted.email
                )
        return Registered(user_id=user_id, username=wanted.username, tz=wanted.tz)

    async def log_in(self, given: Login, *, user_agent: str | None = None) -> TokenPair:
        """Tokens for a right password. A wrong name takes as long as a wrong password and says the same."""
        await self._count_guess(given.username)
        email_hash = hash_of_login(self._system_key, given.username)
        while True:
            async with self._database.transaction() as connection:
                found = await find_login(connection, given.username, email_hash)
            stored = found.password_hash
            is_right = await self._passwords.verify(given.password, stored, hardest=found.hardest_cost)
            if found.user_id is None or stored is None or not is_right:
                raise CredentialsInvalidError
            renewed = await self._passwords.renewed(given.password, stored)
            tokens = await self._open(found.user_id, stored, renewed, _shortened(user_agent))
            if tokens is not None:
                return tokens
            # Another hash is stored by now, or the account is gone: what was right may not be any more.

    async def refresh(self, token: str) -> TokenPair:
        """The next pair of tokens; the old refresh token is used up."""
        self._reader.claims(token, "refresh")
        async with self._database.transaction() as connection:
            outcome = await rotate(connection, token, now=clock.now(), grace=self._grace)
            if isinstance(outcome, Rotated):
                return await self._issue(connection, outcome.user_id, outcome.family_id, outcome.user_agent)
            if isinstance(outcome, Reused):
                await record(
                    connection,
                    "refresh_token.reused",
                    outcome.family_id,
                    owner=outcome.user_id,
                    actor=SYSTEM,
                )
        # Outside of the transaction: a revoked family has to stay revoked.
        if isinstance(outcome, Reused):
            await self._logins.forget(outcome.user_id)
            raise TokenReusedError
        raise TokenInvalidError(REFUSALS[outcome])

    async def change_password(self, person: Person, family_id: UUID, wanted: PasswordChange) -> None:
        """Set a new password and close all logins but this one; PasswordWrongError when the current one is not right,
        PasswordUnacceptableError when the new one will not do.
        """
        key = self._system_key
        check_password(wanted.new_password, person.username, person.email(key), person.wanted_email(key))
        stored = await self.check_it_is(person, wanted.current_password)
        new = await self._passwords.hash(wanted.new_password)
        async with self._database.transaction() as connection:
            # Of two changes at once one wins; the password that the other was given is no longer the current one.
            if not await replace_password_hash(connection, person.user_id, stored, new):
                raise PasswordWrongError
            await revoke_all(connection, person.user_id, kept=family_id)
            await void_links(connection, person.user_id, ("reset",))
            await self._mailbag.tell(connection, "password_changed", person.user_id)
            await record(connection, "password.changed", person.user_id, owner=person.user_id)
        await self._logins.forget(person.user_id)

    async def check_it_is(self, person: Person, password: str) -> str:
        """PasswordWrongError unless this is the person's password; the hash that it was verified against."""
        await self._count_guess(person.username)
        async with self._database.transaction() as connection:
            stored = await read_password_hash(connection, person.user_id)
        if not await self._passwords.verify(password, stored) or stored is None:
            raise PasswordWrongError
        return stored

    async def leave(self, person: Person, password: str) -> datetime:
        """Close the account for good: nobody logs in any more, and the data wait for their erasure. When that was.

        PasswordWrongError when it is not the person's; LastAdminError when nobody would administer any more.
        """
        stored = await self.check_it_is(person, password)
        now = clock.now()
        async with self._database.transaction() as connection:
            if await lock_admins(connection) == {person.user_id}:
                raise LastAdminError
            if not await lock_person(connection, person.user_id, verified=stored):
                raise PasswordWrongError
            cursor = await connection.execute(_CLOSE, {"user_id": person.user_id, "now": now})
            await revoke_all(connection, person.user_id)
            await void_links(connection, person.user_id)
            if cursor.rowcount:
                await self._mailbag.tell(connection, "account_deleted", person.user_id)
                await record(connection, "account.deleted", person.user_id, owner=person.user_id)
        await self._logins.forget(person.user_id)
        return now

    async def _open(
        self, user_id: UUID, verified: str, renewed: str | None, user_agent: str | None
    ) -> TokenPair | None:
        """A new login, and a new hash if there is one; None when the one that was verified is no longer stored."""
        family_id = uuid4()
        async with self._database.transaction() as connection:
            if not await lock_person(connection, user_id, verified=verified):
                return None
            if renewed is not None:
                await replace_password_hash(connection, user_id, verified, renewed)
            tokens = await self._issue(connection, user_id, family_id, user_agent)
            by = by_login(user_id, family_id)
            await record(connection, "session.opened", family_id, owner=user_id, actor=by)
        return tokens

    async def _count_guess(self, name: str) -> None:
        """RateLimitExceededError when too many passwords were tried for this name, from wherever, also for one that
        nobody has.
        """
        await self._limiter.spend("login", f"account:{hash_of_login(self._system_key, name).hex()}")

    async def _issue(
        self, connection: Connection, user_id: UUID, family_id: UUID, user_agent: str | None
    ) -> TokenPair:
        """Tokens of a login whose person is locked."""
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
