"""E-mail addresses of accounts: wanted by the person, confirmed by whoever reads the mail there.

An address that nobody has confirmed is stored and nothing more: it cannot be used to log in, and cannot keep its real
owner from registering it. The one confirmed before stays in use until then.
"""

from __future__ import annotations

from typing import Final, LiteralString

import psycopg

from aurora import clock
from aurora.events.ciphertext import address_hash, open_text, seal_text, unwrap
from serving.audit.actors import by_link
from serving.audit.recording import Change, record
from serving.auth.errors import (
    EmailNotWaitingError,
    EmailTakenError,
    EmailUnverifiedError,
    LinkInvalidError,
    PasswordWrongError,
)
from serving.auth.logins import Logins
from serving.auth.people import Person, lock_person
from serving.database import Connection, Database
from serving.emails.links import UsedLink, use_link, void_links
from serving.emails.outgoing import Mailbag
from serving.options import ApiOptions
from serving.rate_limits import RateLimiter

_WANT: Final[LiteralString] = """
    update app.users set email_wanted_ciphertext = %(wanted)s
    where user_id = %(user_id)s and deleted_at is null
"""
_READ: Final[LiteralString] = """
    select data_key_ciphertext, email_ciphertext, email_wanted_ciphertext from app.users where user_id = %s
"""
_CONFIRM: Final[LiteralString] = """
    update app.users
    set
        email_hash = %(email_hash)s,
        email_ciphertext = %(email_ciphertext)s,
        email_verified_at = %(now)s,
        email_wanted_ciphertext = null
    where user_id = %(user_id)s and deleted_at is null
"""


def check_confirmed(person: Person, options: ApiOptions) -> None:
    """EmailUnverifiedError when the operator wants a confirmed address and this person has none."""
    if options.require_verified_email and not person.has_confirmed_email:
        raise EmailUnverifiedError


class Addresses:
    """Sets and confirms addresses."""

    def __init__(
        self, database: Database, limiter: RateLimiter, mailbag: Mailbag, logins: Logins, *, system_key: str
    ) -> None:
        self._database = database
        self._system_key = system_key
        self._limiter = limiter
        self._mailbag = mailbag
        self._logins = logins

    async def want(self, person: Person, address: str, verified: str) -> bool:
        """Send a link to an address that is to become the person's; False when it is theirs already.

        Links to one that was wanted before are void. PasswordWrongError when the hash that was verified is no longer
        stored.
        """
        await self.count_email_to(address)
        key = self._system_key
        data_key, current = person.data_key(key), person.email(key)
        is_current = current is not None and address_hash(key, current) == address_hash(key, address)
        wanted = None if is_current else seal_text(data_key, person.user_id, address)
        changed = Change(
            data_key,
            before=_shown(current, person.wanted_email(key)),
            after=_shown(current, None if is_current else address),
        )
        async with self._database.transaction() as connection:
            if not await lock_person(connection, person.user_id, verified=verified):
                raise PasswordWrongError
            await connection.execute(_WANT, {"user_id": person.user_id, "wanted": wanted})
            await void_links(connection, person.user_id, ("verify",))
            await record(connection, "email.wanted", person.user_id, owner=person.user_id, change=changed)
            if not is_current:
                await self._mailbag.add(
                    connection, "verify", user_id=person.user_id, data_key=data_key, address=address
                )
                await self._mailbag.tell(connection, "email_change", person.user_id)
        await self._logins.forget(person.user_id)
        return not is_current

    async def send_again(self, person: Person) -> None:
        """Send another link to the address that waits; EmailNotWaitingError when none does."""
        wanted = person.wanted_email(self._system_key)
        if wanted is None:
            raise EmailNotWaitingError
        await self._limiter.spend("reset", f"person:{person.user_id}")
        await self.count_email_to(wanted)
        async with self._database.transaction() as connection:
            data_key = person.data_key(self._system_key)
            await self._mailbag.add(
                connection, "verify", user_id=person.user_id, data_key=data_key, address=wanted
            )
            await record(connection, "email_link.requested", person.user_id, owner=person.user_id)

    async def confirm(self, token: str) -> None:
        """Make the address of this link the person's own, by which they can log in.

        LinkInvalidError when the link does not work; EmailTakenError when the address belongs to another account.
        """
        now = clock.now()
        async with self._database.transaction() as connection:
            link = await use_link(connection, token, "verify", now)
            if link is None:
                raise LinkInvalidError
            change = await self._confirmation(connection, link)
            try:
                await connection.execute(_CONFIRM, {**vars(link), "now": now})
            except psycopg.errors.UniqueViolation:
                raise EmailTakenError from None
            # Links to the address before: whoever reads mail there is not the owner any more.
            await void_links(connection, link.user_id)
            by = by_link(link.user_id)
            await record(
                connection, "email.confirmed", link.user_id, owner=link.user_id, actor=by, change=change
            )
        await self._logins.forget(link.user_id)

    async def count_email_to(self, address: str) -> None:
        """RateLimitExceededError when too many e-mails to this address were asked for, whoever asked."""
        await self._limiter.spend("reset", f"address:{address_hash(self._system_key, address).hex()}")

    async def _confirmation(self, connection: Connection, link: UsedLink) -> Change:
        """What the person sees of their addresses before and after the link; they are locked."""
        [row] = await (await connection.execute(_READ, (link.user_id,))).fetchall()
        data_key = unwrap(self._system_key, link.user_id, row[0])
        current, wanted, confirmed = (
            None if sealed is None else open_text(data_key, link.user_id, sealed)
            for sealed in (*row[1:], link.email_ciphertext)
        )
        return Change(data_key, before=_shown(current, wanted), after=_shown(confirmed, None))


def _shown(confirmed: str | None, wanted: str | None) -> dict[str, str | None]:
    """What a person sees of their addresses."""
    return {"email": confirmed, "email_wanted": wanted}
