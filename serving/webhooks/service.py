"""What a person may do with their webhooks: make, change, and give another secret."""

from __future__ import annotations

from uuid import UUID, uuid4

from fastapi.responses import Response

from aurora import clock
from serving.audit.recording import Change, record
from serving.auth.people import Person
from serving.database import Connection
from serving.etags import check_match
from serving.idempotency import Answer, find_answers, keep_answers
from serving.webhooks.schemas import (
    SecretRotated,
    WebhookChange,
    WebhookCreated,
    WebhookCreation,
    WebhookRead,
)
from serving.webhooks.secrets import add_secret, current_secret, replace_secret
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
    return _with_secret(webhook, await add_secret(connection, webhook.webhook_id, person_key, now))


async def make_webhook_once(
    connection: Connection,
    person: Person,
    person_key: bytes,
    wanted: WebhookCreation,
    *,
    most: int,
    key: str,
    digest: bytes,
) -> Response:
    """The same for a request with an Idempotency-Key.

    What is kept of the answer is the webhook's id: a secret is nowhere in clear. Sent again, the request is answered
    with the webhook as it is by then.
    """
    asked = (person.user_id, key)
    kept = (await find_answers(connection, [asked])).get(asked)
    if kept is None:
        made = await make_webhook(connection, person, person_key, wanted, most=most)
        await keep_answers(connection, [(*asked, digest, Answer(201, {"webhook_id": str(made.webhook_id)}))])
        return Answer(201, made.model_dump(mode="json")).response()
    reply = kept.reply_to(digest)
    if isinstance(reply, Exception):
        raise reply
    webhook = await find_webhook(connection, person.user_id, UUID(reply.body["webhook_id"]))
    again = _with_secret(webhook, await current_secret(connection, webhook.webhook_id, person_key))
    return Answer(201, again.model_dump(mode="json"), is_replay=True).response()


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


def _with_secret(webhook: Webhook, secret: str) -> WebhookCreated:
    return WebhookCreated(**webhook.shown().model_dump(), secret=secret)
