"""The postman: takes e-mails that are due, one after the other, and brings each to the mail server.

Woken by Postgres when one was written, and by the clock when one that was put off is due again. A link is made when its
e-mail goes out, so that it holds as long as the e-mail says, however long the server was away, and lies nowhere.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, LiteralString
from uuid import UUID

import psycopg
import structlog
from psycopg.rows import class_row

from aurora import clock
from aurora.database.listening import keep_listening
from aurora.events.ciphertext import address_hash, open_text, unwrap
from aurora.tasks import end
from aurora.telemetry import EMAILS, TASK_DURATION
from serving.database import Connection
from serving.emails.links import Purpose, make_link
from serving.emails.outgoing import (
    CHANNEL,
    Outgoing,
    drop,
    is_final,
    next_due,
    sent_since,
    settle_not_sent,
    settle_sent,
    take_due,
)
from serving.emails.smtp import MailServer
from serving.emails.texts import EMAIL_TEXTS, Letterhead

LOOK_SECONDS: Final = 30.0
"""How often to look without being woken."""
GRACE_SECONDS: Final = 5.0
MOST_LINKS: Final = 5
"""Links of one kind to one address within an hour: a mailbox is not flooded by whoever knows its name."""

log = structlog.get_logger(__name__)

# Locked, so that an address that is changed meanwhile gets no link any more (serving/emails/links.py).
_PERSON: Final[LiteralString] = """
    select
        user_id, data_key_ciphertext, email_ciphertext, email_wanted_ciphertext,
        deleted_at is not null as is_deleted
    from app.users
    where user_id = %(user_id)s or (%(user_id)s::uuid is null and email_hash = %(recipient_hash)s)
    for no key update
"""
_OWN: Final[LiteralString] = """
    update app.outgoing_emails set user_id = %(user_id)s where email_id = %(email_id)s
"""

Dropped = Literal["nobody", "outdated", "too_many"]


@dataclass(frozen=True)
class Addressee:
    """What the postman has to know of a person."""

    user_id: UUID
    data_key_ciphertext: bytes
    email_ciphertext: bytes | None
    email_wanted_ciphertext: bytes | None
    is_deleted: bool

    def address_for(self, purpose: Purpose, data_key: bytes) -> str | None:
        """The address that a link of this purpose goes to: the one to confirm, or the one that was confirmed."""
        sealed = self.email_wanted_ciphertext if purpose == "verify" else self.email_ciphertext
        return open_text(data_key, self.user_id, sealed) if sealed is not None else None


@dataclass(frozen=True)
class Addressed:
    """An e-mail that can go: to whom, and the token of its link if it has one."""

    recipient: str
    token: str | None


class Postman:
    """Delivers until told to stop."""

    def __init__(self, url: str, system_key: str, server: MailServer, letterhead: Letterhead) -> None:
        self._url = url
        self._system_key = system_key
        self._server = server
        self._letterhead = letterhead
        self._at_work = asyncio.Lock()

    async def deliver(self) -> None:
        """Deliver for ever; a Postgres that goes away is waited for."""
        await keep_listening(self._url, CHANNEL, self._deliver)

    async def _deliver(self, connection: Connection) -> None:
        while True:
            while await self.deliver_one(connection):
                pass
            await _wait(connection)

    async def finish(self, delivering: asyncio.Task[None]) -> None:
        """Have it end the e-mail in its hands, and stop."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                await self._at_work.acquire()
        await end([delivering])

    async def deliver_one(self, connection: Connection) -> bool:
        """Deal with the e-mail that has waited longest; False when none is due."""
        async with self._at_work:
            due = await take_due(connection, clock.now())
            if due is None:
                return False
            with TASK_DURATION.labels("send_email").time():
                try:
                    outcome = await self._bring(connection, due)
                except (psycopg.OperationalError, psycopg.InterfaceError):
                    raise
                except Exception as error:  # noqa: BLE001  # one that fails must not stop those behind it
                    outcome = await self._put_off(connection, due, type(error).__name__)
        EMAILS.labels(due.kind, outcome).inc()
        log.info("email", email_id=str(due.email_id), kind=due.kind, outcome=outcome)
        return True

    async def _bring(self, connection: Connection, due: Outgoing) -> str:
        async with connection.transaction():
            addressed = await self._address(connection, due)
            if not isinstance(addressed, Addressed):
                await drop(connection, due.email_id)
                return addressed
        # Outside of a transaction: nothing is held while the server takes its time.
        message = self._letterhead.message(due.kind, due.email_id, addressed.recipient, addressed.token)
        refusal = await self._server.send(message, addressed.recipient)
        if refusal is None:
            await settle_sent(connection, due.email_id, clock.now())
            return "sent"
        return await self._put_off(connection, due, refusal.problem, is_hopeless=refusal.is_final)

    async def _put_off(
        self, connection: Connection, due: Outgoing, problem: str, *, is_hopeless: bool = False
    ) -> str:
        now = clock.now()
        is_over = is_hopeless or is_final(due.created_at, now)
        await settle_not_sent(connection, due.email_id, problem, now, is_final=is_over)
        log.warning("email_not_sent", email_id=str(due.email_id), problem=problem, is_final=is_over)
        return "failed" if is_over else "put_off"

    async def _address(self, connection: Connection, due: Outgoing) -> Addressed | Dropped:
        """Recipient and link, or why nobody is to get this e-mail. The person stays locked to the end."""
        values = {"user_id": due.user_id, "recipient_hash": due.recipient_hash}
        async with connection.cursor(row_factory=class_row(Addressee)) as cursor:
            person = await (await cursor.execute(_PERSON, values)).fetchone()
        if person is None:
            return "nobody"
        data_key = unwrap(self._system_key, person.user_id, person.data_key_ciphertext)
        purpose = EMAIL_TEXTS[due.kind].purpose
        if purpose is None:
            return Addressed(_recipient(due, data_key), None)
        if person.is_deleted:
            return "nobody"
        address = person.address_for(purpose, data_key)
        if address is None or address_hash(self._system_key, address) != due.recipient_hash:
            return "outdated"
        now = clock.now()
        if await sent_since(connection, due, now - timedelta(hours=1)) >= MOST_LINKS:
            return "too_many"
        await connection.execute(_OWN, {"user_id": person.user_id, "email_id": due.email_id})
        token = await make_link(
            connection,
            purpose=purpose,
            user_id=person.user_id,
            data_key=data_key,
            address=address,
            address_hash=due.recipient_hash,
            now=now,
        )
        return Addressed(address, token)


def _recipient(due: Outgoing, data_key: bytes) -> str:
    if due.recipient_ciphertext is None:
        raise LookupError(f"no recipient of {due.kind}")
    return open_text(data_key, due.email_id, due.recipient_ciphertext)


async def _wait(connection: Connection) -> None:
    """Until one is written or due."""
    due_at = await next_due(connection)
    seconds = LOOK_SECONDS if due_at is None else (due_at - clock.now()).total_seconds()
    # Not at once again: one that is due and was not to be had is in another's hands.
    async for _ in connection.notifies(timeout=min(max(seconds, 0.1), LOOK_SECONDS), stop_after=1):
        pass
