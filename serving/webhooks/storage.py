"""The webhooks of a person: rows of `app.webhooks`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg.rows import class_row

from aurora.notices.log import Head, read_heads
from serving.auth.people import lock_person
from serving.database import Connection
from serving.errors import TooManyWebhooksError, WebhookNotFoundError
from serving.pagination import Order
from serving.webhooks.retrying import DisabledReason
from serving.webhooks.schemas import WebhookChange, WebhookRead

_COLUMNS: Final[LiteralString] = """
    webhook_id, user_id, url, description, event_types, epoch, position, disabled_at, disabled_reason,
    failing_since, created_at, updated_at
"""
_FIND: Final[LiteralString] = f"""
    select {_COLUMNS} from app.webhooks where webhook_id = %(webhook_id)s and user_id = %(user_id)s
"""  # noqa: S608  # our own text
_LIST: Final[LiteralString] = f"""
    select {_COLUMNS} from app.webhooks
    where user_id = %(user_id)s
"""  # noqa: S608  # our own text
_COUNT: Final[LiteralString] = "select count(*) from app.webhooks where user_id = %s"
_INSERT: Final[LiteralString] = """
    insert into app.webhooks
        (webhook_id, user_id, url, description, event_types, epoch, position, created_at, updated_at)
    values (
        %(webhook_id)s, %(user_id)s, %(url)s, %(description)s, %(event_types)s, %(epoch)s, %(position)s,
        %(created_at)s, %(updated_at)s
    )
"""
_UPDATE: Final[LiteralString] = """
    update app.webhooks
    set url = %(url)s, description = %(description)s, event_types = %(event_types)s, epoch = %(epoch)s,
        position = %(position)s, disabled_at = %(disabled_at)s, disabled_reason = %(disabled_reason)s,
        failing_since = %(failing_since)s, updated_at = %(updated_at)s
    where webhook_id = %(webhook_id)s
"""
_DELETE: Final[LiteralString] = "delete from app.webhooks where webhook_id = %s and user_id = %s"


@dataclass(frozen=True)
class Webhook:
    """`epoch` and `position` say up to which notice of its person deliveries are written."""

    webhook_id: UUID
    user_id: UUID
    url: str
    description: str | None
    event_types: list[str]
    epoch: str
    position: int
    disabled_at: datetime | None
    disabled_reason: DisabledReason | None
    failing_since: datetime | None
    created_at: datetime
    updated_at: datetime

    @property
    def is_enabled(self) -> bool:
        return self.disabled_at is None

    def changed(self, change: WebhookChange, head: Head, now: datetime) -> Webhook:
        """The same with what was named. Enabled again it begins at the end of the person's notices, `head`."""
        named: dict[str, Any] = {name: getattr(change, name) for name in change.model_fields_set}
        wants_enabled = named.pop("is_enabled", self.is_enabled)
        if named.get("url", self.url) != self.url:
            named["failing_since"] = None  # another receiver
        if wants_enabled and not self.is_enabled:
            named |= {"disabled_at": None, "disabled_reason": None, "failing_since": None}
            named |= {"epoch": head.epoch, "position": head.position}
        elif not wants_enabled and self.is_enabled:
            named |= {"disabled_at": now, "disabled_reason": "owner"}
        return replace(self, **named, updated_at=now) if named else self

    def shown(self) -> WebhookRead:
        """For its owner."""
        return WebhookRead.model_validate({name: getattr(self, name) for name in WebhookRead.model_fields})


async def end_of_notices(connection: Connection, user_id: UUID) -> Head:
    """Where the person's line of notices ends now."""
    return (await read_heads(connection, [user_id])).get(user_id, Head(user_id, "", 0))


async def insert_webhook(connection: Connection, webhook: Webhook, *, most: int) -> None:
    """Add it; TooManyWebhooksError when its person has as many as they may."""
    # Two that are made at once are counted one after the other.
    await lock_person(connection, webhook.user_id)
    row = await (await connection.execute(_COUNT, (webhook.user_id,))).fetchone()
    if row is not None and row[0] >= most:
        raise TooManyWebhooksError(most)
    await connection.execute(_INSERT, vars(webhook))


async def find_webhook(
    connection: Connection, user_id: UUID, webhook_id: UUID, *, lock: bool = False
) -> Webhook:
    """A webhook of this person, WebhookNotFoundError when it is none; with `lock` nobody else changes it meanwhile."""
    async with connection.cursor(row_factory=class_row(Webhook)) as cursor:
        query = f"{_FIND} for update" if lock else _FIND
        await cursor.execute(query, {"user_id": user_id, "webhook_id": webhook_id})
        webhook = await cursor.fetchone()
    if webhook is None:
        raise WebhookNotFoundError
    return webhook


async def list_webhooks(
    connection: Connection, user_id: UUID, *, order: Order, limit: int
) -> Sequence[Webhook]:
    """By when they were made."""
    query = f"{_LIST} {order.sql('created_at', 'webhook_id')} limit %(limit)s"
    async with connection.cursor(row_factory=class_row(Webhook)) as cursor:
        await cursor.execute(query, {"user_id": user_id, **order.values(), "limit": limit})
        return await cursor.fetchall()


async def update_webhook(connection: Connection, webhook: Webhook) -> None:
    await connection.execute(_UPDATE, vars(webhook))


async def delete_webhook(connection: Connection, user_id: UUID, webhook_id: UUID) -> None:
    """With its secrets and all that it was sent; WebhookNotFoundError when the person has none of this id."""
    if not (await connection.execute(_DELETE, (webhook_id, user_id))).rowcount:
        raise WebhookNotFoundError
