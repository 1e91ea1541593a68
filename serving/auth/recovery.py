"""A new password for who has forgotten theirs, by a link to the address that they have confirmed.

Asking does the same for everybody: it writes down an address and looks nobody up (serving/emails/outgoing.py).
"""

from __future__ import annotations

from typing import Final, LiteralString

from aurora import clock
from serving.audit.actors import by_link
from serving.audit.recording import record
from serving.auth.addresses import Addresses
from serving.auth.errors import LinkInvalidError
from serving.auth.logins import Logins
from serving.auth.password_rules import PasswordNamesItsOwnerError, check_password
from serving.auth.passwords import Passwords
from serving.auth.sessions import revoke_all
from serving.database import Database
from serving.emails.links import owner_of, use_link, void_links
from serving.emails.outgoing import Mailbag
from serving.emails.spelling import hash_of_login

_STORE_HASH: Final[LiteralString] = """
    update app.users set password_hash = %(password_hash)s where user_id = %(user_id)s
"""


class Recovery:
    """Password resets."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        addresses: Addresses,
        mailbag: Mailbag,
        logins: Logins,
        *,
        system_key: str,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._addresses = addresses
        self._mailbag = mailbag
        self._logins = logins
        self._system_key = system_key

    async def ask(self, address: str) -> None:
        """Have a link sent to whoever has confirmed this address. Nothing tells whether anybody has."""
        await self._addresses.count_email_to(address)
        async with self._database.transaction() as connection:
            await self._mailbag.add_reset(connection, address)

    async def reset(self, token: str, password: str) -> None:
        """Set a new password and close all logins; LinkInvalidError or PasswordUnacceptableError when not."""
        async with self._database.transaction() as connection:
            owner = await owner_of(connection, token, "reset", clock.now())
        if owner is None:
            raise LinkInvalidError
        check_password(password, owner.username)
        if hash_of_login(self._system_key, password) == owner.email_hash:
            raise PasswordNamesItsOwnerError
        # No connection is held while the password is hashed.
        password_hash = await self._passwords.hash(password)
        async with self._database.transaction() as connection:
            # Of two who use the link at once one wins.
            link = await use_link(connection, token, "reset", clock.now())
            if link is None:
                raise LinkInvalidError
            values = {"user_id": link.user_id, "password_hash": password_hash}
            await connection.execute(_STORE_HASH, values)
            await revoke_all(connection, link.user_id)
            await void_links(connection, link.user_id, ("reset",))
            await self._mailbag.tell(connection, "password_changed", link.user_id)
            by = by_link(link.user_id)
            await record(connection, "password.reset", link.user_id, owner=link.user_id, actor=by)
        await self._logins.forget(link.user_id)
