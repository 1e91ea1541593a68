"""What a person may do with their webhooks: make, change, and give another secret."""

from __future__ import annotations

from uuid import UUID, uuid4

from aurora import clock
from serving.audit.recording import Change, record
from serving.auth.people import Person
from serving.database import Connection
from serving.etags import check_match
from serving.webhooks.schemas import (
    SecretRotated,
    WebhookChange,
    WebhookCreated,
    WebhookCreation,
    WebhookRead,
)
from serving.webhooks.secrets import add_secret, replace_secret
from serving.webhooks.storage import Webhook, end_of_notices, find_webhook, insert_webhook, update_webhook


async def make_webhook(
    connection: Connection, person: Person, person_key: bytes, wanted: WebhookCreation, *, most: int
) -> WebhookCreated:
    """A webhook that hears what happens from now on; TooManyWebhooksError when there are `most` already."""
    now = clock.now()
    head = await end_of_notices(connection, person.user_id)
    webhook = Webhook(
        webhook_id=uuid4(),
        user_id=person.user_id,
        url=wanted.url,
        description=wanted.description,
        event_types=wanted.event_types,
        epoch=head.epoch,
        position=head.position,
        disabled_at=None,
        disabled_reason=None,
        failing_since=None,
        created_at=now,
        updated_at=now,
    )
    await insert_webhook(connection, webhook, most=most)
    change = Change(person_key, after=webhook.shown())
    await record(connection, "webhook.made", webhook.webhook_id, owner=person.user_id, change=change)
    secret = await add_secret(connection, webhook.webhook_id, person_key, now)
    return WebhookCreated(**webhook.shown().model_dump(), secret=secret)


async def change_webhook_of(
    connection: Connection,
    user_id: UUID,
    person_key: bytes,
    webhook_id: UUID,
    change: WebhookChange,
    if_match: str | None,
) -> WebhookRead:
    """PreconditionFailedError when it is not the state that the app saw."""
    before = await find_webhook(connection, user_id, webhook_id, lock=True)
    check_match(if_match, before.shown())
    after = before.changed(change, await end_of_notices(connection, user_id), clock.now())
    await update_webhook(connection, after)
    changed = Change(person_key, before.shown(), after.shown())
    await record(connection, "webhook.changed", webhook_id, owner=user_id, change=changed)
    return after.shown()


async def rotate_secret_of(
    connection: Connection, user_id: UUID, webhook_id: UUID, person_key: bytes
) -> SecretRotated:
    """The next secret of a webhook. Two rotations at once follow one another."""
    await find_webhook(connection, user_id, webhook_id, lock=True)
    secret, until = await replace_secret(connection, webhook_id, person_key, clock.now())
    await record(connection, "webhook_secret.replaced", webhook_id, owner=user_id)
    return SecretRotated(secret=secret, earlier_valid_until=until)
