"""`/api/v1/webhooks`: a person's webhooks, what they were sent, and how it went."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from aurora import clock
from aurora.notices.knocks import knock
from aurora.notices.log import Head
from serving.audit.recording import record
from serving.auth.people import Person
from serving.database import Work
from serving.dependencies import CurrentWork, Here, person_alone_who_may, person_who_may
from serving.errors import WebhookDisabledError
from serving.etags import UNCHANGED, IfMatch, cacheable, tagged
from serving.idempotency import MadeOnce
from serving.openapi import problems
from serving.pagination import NEWEST, SORT, CursorText, Limit, Order, Page, cursor_query, cut_page
from serving.paths import WEBHOOKS
from serving.resources import Resources
from serving.strict_routes import StrictRoute
from serving.webhooks.deliveries import add_test, find_delivery, list_attempts, list_deliveries, send_again
from serving.webhooks.schemas import (
    AttemptRead,
    DeliveryRead,
    DeliveryState,
    SecretRotated,
    WebhookChange,
    WebhookCreated,
    WebhookCreation,
    WebhookRead,
)
from serving.webhooks.service import change_webhook_of, make_webhook, rotate_secret_of
from serving.webhooks.storage import Webhook, delete_webhook, find_webhook, list_webhooks

router = APIRouter(prefix=WEBHOOKS, tags=["webhooks"], route_class=StrictRoute)
Reader = Annotated[Person, person_who_may("webhooks:read")]
Writer = Annotated[Person, person_who_may("webhooks:write")]
WriterAlone = Annotated[Person, person_alone_who_may("webhooks:write")]


@router.post(
    "", status_code=201, response_model=WebhookCreated, responses=problems(401, 403, 404, 409, 422, 503)
)
async def create_webhook(
    wanted: WebhookCreation,
    person: WriterAlone,
    here: Here,
    once: MadeOnce,
) -> Response:
    """Have what happens from now on sent to an address of yours. The answer has the secret to verify it with."""
    # Before a connection is taken: names can be slow to look up.
    wanted = wanted.model_copy(update={"url": await here.destinations.check(wanted.url)})
    person_key, most = person.data_key(here.system_key), here.options.webhooks.per_person
    async with here.database.work() as work:
        return await once.answer(
            work.connection,
            person.user_id,
            lambda: make_webhook(work.connection, person, person_key, wanted, most=most),
            status=201,
            data_key=person_key,
        )


@router.get("", response_model=Page[WebhookRead], responses=problems(400, 401, 403, 422, 503))
async def read_webhooks(
    person: Reader, work: CurrentWork, cursor: CursorText = None, limit: Limit = 100
) -> Page[WebhookRead]:
    """Your webhooks, newest first."""
    order = Order.of(NEWEST, cursor)
    found = await list_webhooks(work.connection, person.user_id, order=order, limit=limit + 1)
    webhooks, next_cursor = cut_page(found, limit, order, key="webhook_id")
    return Page(items=[webhook.shown() for webhook in webhooks], next_cursor=next_cursor)


@router.get(
    "/{webhook_id}", response_model=WebhookRead, responses=UNCHANGED | problems(401, 403, 404, 422, 503)
)
async def read_webhook(webhook_id: UUID, person: Reader, work: CurrentWork, request: Request) -> Response:
    """One of them."""
    return cacheable((await find_webhook(work.connection, person.user_id, webhook_id)).shown(), request)


@router.patch("/{webhook_id}", response_model=WebhookRead, responses=problems(401, 403, 404, 412, 422, 503))
async def change_webhook(
    webhook_id: UUID,
    change: WebhookChange,
    person: WriterAlone,
    here: Here,
    if_match: IfMatch = None,
) -> Response:
    """Change, disable or enable it; what you do not name stays. Enabled again it begins with what happens then."""
    if "url" in change.model_fields_set:
        change = change.model_copy(update={"url": await here.destinations.check(change.url)})
    key = person.data_key(here.system_key)
    async with here.database.work() as work:
        shown = await change_webhook_of(work.connection, person.user_id, key, webhook_id, change, if_match)
        _wake(work, here, person.user_id)
    return tagged(shown)


@router.delete("/{webhook_id}", status_code=204, responses=problems(401, 403, 404, 422, 503))
async def remove_webhook(webhook_id: UUID, person: Writer, work: CurrentWork) -> None:
    """Nothing is sent to it from now on. Its deliveries are forgotten, also those that wait."""
    await delete_webhook(work.connection, person.user_id, webhook_id)
    await record(work.connection, "webhook.deleted", webhook_id, owner=person.user_id)


@router.post(
    "/{webhook_id}/secret", response_model=SecretRotated, responses=problems(401, 403, 404, 409, 422, 503)
)
async def rotate_secret(
    webhook_id: UUID, person: Writer, work: CurrentWork, here: Here, once: MadeOnce
) -> Response:
    """Another secret. For 24 hours deliveries are signed with both."""
    key = person.data_key(here.system_key)
    return await once.answer(
        work.connection,
        person.user_id,
        lambda: rotate_secret_of(work.connection, person.user_id, webhook_id, key),
        status=200,
        data_key=key,
    )


@router.post(
    "/{webhook_id}/test",
    status_code=202,
    response_model=DeliveryRead,
    responses=problems(401, 403, 404, 409, 422, 503),
)
async def test_webhook(
    webhook_id: UUID, person: Writer, work: CurrentWork, here: Here, once: MadeOnce
) -> Response:
    """Have a `webhook.tested` sent. Its attempts say how that went."""

    async def test() -> DeliveryRead:
        await _enabled_webhook(work, person.user_id, webhook_id)
        await record(work.connection, "webhook_test.requested", webhook_id, owner=person.user_id)
        _wake(work, here, person.user_id)
        return await add_test(work.connection, webhook_id, clock.now())

    return await once.answer(work.connection, person.user_id, test, status=202)


@router.get(
    "/{webhook_id}/deliveries",
    response_model=Page[DeliveryRead],
    responses=problems(400, 401, 403, 404, 422, 503),
)
async def read_deliveries(
    webhook_id: UUID,
    person: Reader,
    work: CurrentWork,
    state: Annotated[DeliveryState | None, Query(description="Only these", examples=["failed"])] = None,
    sort: Annotated[Literal["-created_at", "created_at"], SORT] = "-created_at",
    cursor: CursorText = None,
    limit: Limit = 100,
) -> Page[DeliveryRead]:
    """What it was sent in the last 30 days and is to be sent, newest first unless you say otherwise."""
    await find_webhook(work.connection, person.user_id, webhook_id)
    order = Order.of(sort, cursor)
    found = await list_deliveries(work.connection, webhook_id, state=state, order=order, limit=limit + 1)
    deliveries, next_cursor = cut_page(found, limit, order, key="delivery_id")
    return Page(items=deliveries, next_cursor=next_cursor)


@router.get(
    "/{webhook_id}/deliveries/{delivery_id}/attempts",
    response_model=Page[AttemptRead],
    responses=problems(400, 401, 403, 404, 422, 503),
)
async def read_attempts(
    webhook_id: UUID,
    delivery_id: UUID,
    person: Reader,
    work: CurrentWork,
    cursor: Annotated[str | None, cursor_query("-attempted_at")] = None,
    limit: Limit = 100,
) -> Page[AttemptRead]:
    """How each attempt to deliver it went, the last one first."""
    await find_webhook(work.connection, person.user_id, webhook_id)
    await find_delivery(work.connection, webhook_id, delivery_id)
    order = Order.of("-attempted_at", cursor)
    found = await list_attempts(work.connection, delivery_id, order=order, limit=limit + 1)
    attempts, next_cursor = cut_page(found, limit, order, key="number")
    return Page(items=attempts, next_cursor=next_cursor)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/retry",
    status_code=202,
    response_model=DeliveryRead,
    responses=problems(401, 403, 404, 409, 422, 503),
)
async def retry_delivery(
    webhook_id: UUID, delivery_id: UUID, person: Writer, work: CurrentWork, here: Here, once: MadeOnce
) -> Response:
    """Send it again now, with its `webhook-id`; also one that was delivered, or given up."""

    async def retry() -> DeliveryRead:
        await _enabled_webhook(work, person.user_id, webhook_id)
        sent = await send_again(work.connection, webhook_id, delivery_id, clock.now())
        await record(work.connection, "webhook_delivery.retried", delivery_id, owner=person.user_id)
        _wake(work, here, person.user_id)
        return sent

    return await once.answer(work.connection, person.user_id, retry, status=202)


async def _enabled_webhook(work: Work, user_id: UUID, webhook_id: UUID) -> Webhook:
    # Locked: two tests at once follow one another, and it is not disabled meanwhile.
    webhook = await find_webhook(work.connection, user_id, webhook_id, lock=True)
    if not webhook.is_enabled:
        raise WebhookDisabledError
    return webhook


def _wake(work: Work, here: Resources, user_id: UUID) -> None:
    """There is something to send: a knock at the person's door, which the job worker hears as well."""
    work.after_commit.append(lambda: knock(here.redis.client, [Head(user_id, "", 0)]))
