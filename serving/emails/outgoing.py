"""The e-mails that wait: written in the transaction of what causes them, taken by the postman, kept until sent.

A password reset is written down as asked for, with the hash of an address and nothing else. Whether anybody has that
address is looked up by the postman: a request that looked would take longer for those who exist.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, LiteralString
from uuid import UUID, uuid4

from psycopg.rows import class_row

from aurora.events.ciphertext import address_hash, open_text, seal_text, unwrap
from serving.database import Connection
from serving.emails.texts import Kind

CHANNEL: Final = "aurora_emails"
"""Notified when there is one to send."""

TRIED_FOR: Final = timedelta(days=2)
FIRST_PAUSE: Final = timedelta(seconds=30)
"""Longer than an attempt takes: nobody else takes the same one meanwhile."""
LONGEST_PAUSE: Final = timedelta(hours=1)

_ADD: Final[LiteralString] = """
    insert into app.outgoing_emails (email_id, kind, recipient_hash, user_id, recipient_ciphertext)
    values (%(email_id)s, %(kind)s, %(recipient_hash)s, %(user_id)s, %(recipient_ciphertext)s)
"""
_CONFIRMED: Final[LiteralString] = """
    select data_key_ciphertext, email_ciphertext from app.users
    where user_id = %(user_id)s and email_ciphertext is not null
"""
_TAKE: Final[LiteralString] = """
    select email_id, kind, recipient_hash, user_id, recipient_ciphertext, created_at, attempts
    from app.outgoing_emails
    where sent_at is null and failed_at is null and next_attempt_at <= %(now)s
    order by next_attempt_at
    limit 1
    for update skip locked
"""
_ATTEMPT: Final[LiteralString] = """
    update app.outgoing_emails set attempts = attempts + 1, next_attempt_at = %(next_attempt_at)s
    where email_id = %(email_id)s
"""
_SENT: Final[LiteralString] = """
    update app.outgoing_emails set sent_at = %(now)s, last_error = null where email_id = %(email_id)s
"""
_NOT_SENT: Final[LiteralString] = """
    update app.outgoing_emails
    set last_error = %(problem)s, failed_at = case when %(is_final)s then %(now)s::timestamptz end
    where email_id = %(email_id)s
"""
_DROP: Final[LiteralString] = "delete from app.outgoing_emails where email_id = %(email_id)s"
_COUNT: Final[LiteralString] = """
    select count(*) from app.outgoing_emails
    where recipient_hash = %(recipient_hash)s and kind = %(kind)s and sent_at > %(since)s
"""
_NEXT: Final[LiteralString] = """
    select min(next_attempt_at) from app.outgoing_emails where sent_at is null and failed_at is null
"""


@dataclass(frozen=True)
class Outgoing:
    """An e-mail that is due, as it is stored; `attempts` before this one."""

    email_id: UUID
    kind: Kind
    recipient_hash: bytes
    user_id: UUID | None
    recipient_ciphertext: bytes | None
    created_at: datetime
    attempts: int


@dataclass(frozen=True)
class Mailbag:
    """Writes down what is to be sent, in the caller's transaction."""

    system_key: str

    async def add(
        self, connection: Connection, kind: Kind, *, user_id: UUID, data_key: bytes, address: str
    ) -> None:
        """An e-mail to a person, at an address that is theirs or that they say is theirs."""
        email_id = uuid4()
        await self._write(
            connection, email_id, kind, address, user_id, seal_text(data_key, email_id, address)
        )

    async def tell(self, connection: Connection, kind: Kind, user_id: UUID) -> None:
        """An e-mail to the address that a person has confirmed; nothing when they have none."""
        row = await (await connection.execute(_CONFIRMED, {"user_id": user_id})).fetchone()
        if row is not None:
            data_key = unwrap(self.system_key, user_id, row[0])
            address = open_text(data_key, user_id, row[1])
            await self.add(connection, kind, user_id=user_id, data_key=data_key, address=address)

    async def add_reset(self, connection: Connection, address: str) -> None:
        """A password reset for whoever has this address, if anybody has. The same for everybody."""
        await self._write(connection, uuid4(), "reset", address, None, None)

    async def _write(
        self,
        connection: Connection,
        email_id: UUID,
        kind: Kind,
        address: str,
        user_id: UUID | None,
        recipient: bytes | None,
    ) -> None:
        row = {
            "email_id": email_id,
            "kind": kind,
            "recipient_hash": address_hash(self.system_key, address),
            "user_id": user_id,
            "recipient_ciphertext": recipient,
        }
        await connection.execute(_ADD, row)
        await connection.execute(f"notify {CHANNEL}")


def pause_before_next(attempts: int) -> timedelta:
    """How long to wait after so many attempts: twice as long each time, and not everybody at the same moment."""
    pause = min(FIRST_PAUSE * 2 ** min(attempts, 16), LONGEST_PAUSE)
    return pause * random.uniform(1.0, 1.25)  # noqa: S311  # no secret


def is_final(created_at: datetime, now: datetime) -> bool:
    """Whether an e-mail that could not be sent now is given up."""
    return now - created_at >= TRIED_FOR


async def take_due(connection: Connection, now: datetime) -> Outgoing | None:
    """The e-mail that has waited longest. Nobody else gets it before its next attempt, which is written down first:
    a process that is killed while it sends tries again then.
    """
    async with connection.transaction(), connection.cursor(row_factory=class_row(Outgoing)) as cursor:
        due = await (await cursor.execute(_TAKE, {"now": now})).fetchone()
        if due is not None:
            next_attempt_at = now + pause_before_next(due.attempts)
            await cursor.execute(_ATTEMPT, {"email_id": due.email_id, "next_attempt_at": next_attempt_at})
    return due


async def settle_sent(connection: Connection, email_id: UUID, now: datetime) -> None:
    await connection.execute(_SENT, {"email_id": email_id, "now": now})


async def settle_not_sent(
    connection: Connection, email_id: UUID, problem: str, now: datetime, *, is_final: bool
) -> None:
    values = {"email_id": email_id, "problem": problem, "now": now, "is_final": is_final}
    await connection.execute(_NOT_SENT, values)


async def drop(connection: Connection, email_id: UUID) -> None:
    """Forget one that nobody is to get."""
    await connection.execute(_DROP, {"email_id": email_id})


async def sent_since(connection: Connection, due: Outgoing, since: datetime) -> int:
    """How many of this kind went to this address."""
    values = {"recipient_hash": due.recipient_hash, "kind": due.kind, "since": since}
    row = await (await connection.execute(_COUNT, values)).fetchone()
    return row[0] if row else 0


async def next_due(connection: Connection) -> datetime | None:
    """When the next attempt is due; None when none is."""
    row = await (await connection.execute(_NEXT)).fetchone()
    return row[0] if row else None
