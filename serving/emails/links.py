"""Links of e-mails: each is good for one purpose, once, and for a while. Only its hash is stored.

Whoever touches links locks the person first (`lock_person`): of two who use, make or void links at once the second
sees what the first did.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, LiteralString
from uuid import UUID

from aurora.events.ciphertext import seal_text
from serving.auth.people import lock_person
from serving.auth.sessions import digest
from serving.database import Connection

Purpose = Literal["verify", "reset"]

LIFETIMES: Final[dict[Purpose, timedelta]] = {"verify": timedelta(hours=48), "reset": timedelta(hours=1)}

_ADD: Final[LiteralString] = """
    insert into app.email_tokens (
        token_hash, user_id, purpose, email_hash, email_ciphertext, created_at, expires_at
    )
    values (
        %(token_hash)s, %(user_id)s, %(purpose)s, %(email_hash)s, %(email_ciphertext)s, %(now)s, %(expires_at)s
    )
"""
_WHOSE: Final[LiteralString] = """
    select users.user_id, users.username, links.email_hash
    from app.email_tokens as links
    inner join app.users as users on users.user_id = links.user_id
    where
        links.token_hash = %(token_hash)s and links.purpose = %(purpose)s
        and links.used_at is null and links.expires_at > %(now)s and users.deleted_at is null
"""
_USE: Final[LiteralString] = """
    update app.email_tokens set used_at = %(now)s
    where
        token_hash = %(token_hash)s and purpose = %(purpose)s and user_id = %(user_id)s
        and used_at is null and expires_at > %(now)s
    returning user_id, email_hash, email_ciphertext
"""
VOID_LINKS: Final[LiteralString] = """
    update app.email_tokens set used_at = now()
    where user_id = %(user_id)s and used_at is null and purpose = any(%(purposes)s)
"""


@dataclass(frozen=True)
class LinkOwner:
    """Whose link it is that would work now, and the hash of the address that it was sent to."""

    user_id: UUID
    username: str
    email_hash: bytes


@dataclass(frozen=True)
class UsedLink:
    """A link that was good: whose it was, and the address that it was sent to, as it is stored."""

    user_id: UUID
    email_hash: bytes
    email_ciphertext: bytes


async def make_link(
    connection: Connection,
    *,
    purpose: Purpose,
    user_id: UUID,
    data_key: bytes,
    address: str,
    address_hash: bytes,
    now: datetime,
) -> str:
    """The token of a new link to a person's address. The person must be locked."""
    token = secrets.token_urlsafe(32)
    row = {
        "token_hash": digest(token),
        "user_id": user_id,
        "purpose": purpose,
        "email_hash": address_hash,
        # Bound to the person, as in `app.users`: a confirmation copies it.
        "email_ciphertext": seal_text(data_key, user_id, address),
        "now": now,
        "expires_at": now + LIFETIMES[purpose],
    }
    await connection.execute(_ADD, row)
    return token


async def owner_of(connection: Connection, token: str, purpose: Purpose, now: datetime) -> LinkOwner | None:
    """Whose link this is; None when it would not work."""
    cursor = await connection.execute(_WHOSE, {"token_hash": digest(token), "purpose": purpose, "now": now})
    row = await cursor.fetchone()
    return LinkOwner(*row) if row else None


async def use_link(connection: Connection, token: str, purpose: Purpose, now: datetime) -> UsedLink | None:
    """Use a link up; None when it was used before, has ended, is void, or never was one for this purpose."""
    owner = await owner_of(connection, token, purpose, now)
    if owner is None or not await lock_person(connection, owner.user_id):
        return None
    values = {
        "token_hash": digest(token),
        "purpose": purpose,
        "user_id": owner.user_id,
        "now": now,
    }
    row = await (await connection.execute(_USE, values)).fetchone()
    return UsedLink(*row) if row else None


async def void_links(
    connection: Connection, user_id: UUID, purposes: tuple[Purpose, ...] = ("verify", "reset")
) -> None:
    """Let none of a person's links work any more. The person must be locked."""
    await connection.execute(VOID_LINKS, {"user_id": user_id, "purposes": list(purposes)})
