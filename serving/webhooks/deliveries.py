"""Deliveries and attempts as their owner sees them, and the two things that an owner may have sent: a test, and
anything once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID, uuid4

from psycopg.rows import class_row, dict_row

from serving.database import Connection
from serving.errors import WebhookDeliveryNotFoundError
from serving.pagination import Order
from serving.webhooks.catalogue import TESTED, TestedData, message
from serving.webhooks.schemas import AttemptRead, DeliveryRead, DeliveryState
from serving.webhooks.sending import PROBLEMS

_WAITS: Final[LiteralString] = "delivered_at is null and failed_at is null"
_READ: Final[LiteralString] = f"""
    select
        delivery_id, type, position, created_at, attempts, delivered_at, failed_at,
        case when delivered_at is not null then 'delivered' when failed_at is not null then 'failed'
            else 'waiting' end as state,
        case when {_WAITS} then next_attempt_at end as next_attempt_at
    from app.webhook_deliveries
    where webhook_id = %(webhook_id)s
"""  # noqa: S608  # our own text
_OF_STATE: Final[dict[DeliveryState, LiteralString]] = {
    "waiting": f"and {_WAITS}",
    "delivered": "and delivered_at is not null",
    "failed": "and failed_at is not null",
}
_ATTEMPTS: Final[LiteralString] = """
    select number, attempted_at, duration_ms, status, problem from app.webhook_attempts
    where delivery_id = %(delivery_id)s
"""
_LARGEST_NUMBER: Final = 2**31 - 1
_WAITING_TEST: Final[LiteralString] = f"""
    select delivery_id from app.webhook_deliveries
    where webhook_id = %s and type = %s and {_WAITS}
    limit 1
"""  # noqa: S608  # our own text
_ADD_TEST: Final[LiteralString] = """
    insert into app.webhook_deliveries (delivery_id, webhook_id, type, body, created_at, next_attempt_at)
    values (%(delivery_id)s, %(webhook_id)s, %(type)s, %(body)s::json, %(now)s, %(now)s)
"""
_AGAIN: Final[LiteralString] = """
    update app.webhook_deliveries
    set delivered_at = null, failed_at = null, next_attempt_at = %(now)s, earlier_attempts = attempts
    where delivery_id = %(delivery_id)s
"""


async def list_deliveries(
    connection: Connection,
    webhook_id: UUID,
    *,
    state: DeliveryState | None,
    order: Order,
    limit: int,
) -> Sequence[DeliveryRead]:
    """By when they were made."""
    of_state: LiteralString = _OF_STATE[state] if state else ""
    query = f"{_READ} {of_state} {order.sql('created_at', 'delivery_id')} limit %(limit)s"
    async with connection.cursor(row_factory=class_row(DeliveryRead)) as cursor:
        await cursor.execute(query, {"webhook_id": webhook_id, **order.values(), "limit": limit})
        return await cursor.fetchall()


async def find_delivery(connection: Connection, webhook_id: UUID, delivery_id: UUID) -> DeliveryRead:
    """One of them; WebhookDeliveryNotFoundError when the webhook was never sent it, or it is not kept any more."""
    async with connection.cursor(row_factory=class_row(DeliveryRead)) as cursor:
        query = f"{_READ} and delivery_id = %(delivery_id)s"
        await cursor.execute(query, {"webhook_id": webhook_id, "delivery_id": delivery_id})
        found = await cursor.fetchone()
    if found is None:
        raise WebhookDeliveryNotFoundError
    return found


async def list_attempts(
    connection: Connection, delivery_id: UUID, *, order: Order, limit: int
) -> Sequence[AttemptRead]:
    query = f"{_ATTEMPTS} {order.sql('attempted_at', 'number')} limit %(limit)s"
    values = {"delivery_id": delivery_id, **order.values(largest_id=_LARGEST_NUMBER), "limit": limit}
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, values)
        rows = await cursor.fetchall()
    return [
        AttemptRead(**row, sentence=PROBLEMS[row["problem"]] if row["problem"] else "Delivered.")
        for row in rows
    ]


async def add_test(connection: Connection, webhook_id: UUID, now: datetime) -> DeliveryRead:
    """A test that is sent next. One that waits already is not joined by a second."""
    row = await (await connection.execute(_WAITING_TEST, (webhook_id, TESTED.name))).fetchone()
    if row is not None:
        return await find_delivery(connection, webhook_id, row[0])
    delivery_id = uuid4()
    body = message(TESTED, now, None, TestedData(webhook_id=webhook_id).model_dump_json())
    await connection.execute(
        _ADD_TEST,
        {"delivery_id": delivery_id, "webhook_id": webhook_id, "type": TESTED.name, "body": body, "now": now},
    )
    return await find_delivery(connection, webhook_id, delivery_id)


async def send_again(
    connection: Connection, webhook_id: UUID, delivery_id: UUID, now: datetime
) -> DeliveryRead:
    """Attempt it at once, and by the whole schedule from its beginning, also when it was delivered or given up."""
    await find_delivery(connection, webhook_id, delivery_id)
    await connection.execute(_AGAIN, {"delivery_id": delivery_id, "now": now})
    return await find_delivery(connection, webhook_id, delivery_id)
