"""From notices to deliveries: what was told after a webhook's position is written down for it, and the position moves,
in one transaction. So nothing is skipped and nothing is written twice, however many processes do this at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, LiteralString
from uuid import UUID, uuid4

import orjson
from psycopg.rows import class_row

from aurora import clock
from aurora.notices.log import Written, read_after
from serving.database import Connection
from serving.webhooks.catalogue import INTERRUPTED, TYPE_OF_SUBJECT, InterruptedData, message

MOST_WEBHOOKS: Final = 50
"""Webhooks of one transaction: they are locked until its end."""
MOST_NOTICES: Final = 500
"""Notices of one webhook that are read at once."""

# Whoever is at a webhook already does this, too.
_BEHIND: Final[LiteralString] = """
    select
        webhook_id, webhooks.user_id, event_types, webhooks.epoch, webhooks.position,
        heads.epoch as head_epoch, heads.position as head_position
    from app.webhooks
    inner join app.notice_heads as heads on heads.user_id = webhooks.user_id
    inner join app.users on users.user_id = webhooks.user_id and users.deleted_at is null
    where disabled_at is null
        and (heads.epoch, heads.position) is distinct from (webhooks.epoch, webhooks.position)
    order by webhook_id
    limit %(most)s
    for update of webhooks skip locked
"""
_ADD: Final[LiteralString] = """
    insert into app.webhook_deliveries (delivery_id, webhook_id, type, epoch, position, body)
    select delivery_id, webhook_id, type, epoch, position, body
    from json_to_recordset(%s::json) as new (
        delivery_id uuid, webhook_id uuid, type text, epoch text, position bigint, body json
    )
    on conflict (webhook_id, epoch, position) do nothing
"""
_MOVE: Final[LiteralString] = """
    update app.webhooks set epoch = moved.epoch, position = moved.position
    from json_to_recordset(%s::json) as moved (webhook_id uuid, epoch text, position bigint)
    where webhooks.webhook_id = moved.webhook_id
"""


@dataclass(frozen=True)
class Behind:
    """A webhook that has not taken all that its person was told, and where that line ends."""

    webhook_id: UUID
    user_id: UUID
    event_types: list[str]
    epoch: str
    position: int
    head_epoch: str
    head_position: int

    @property
    def is_same_line(self) -> bool:
        # Without an epoch nothing had been told yet: what is there now came after.
        return self.epoch == self.head_epoch or (not self.epoch and self.position == 0)

    @property
    def start(self) -> int:
        """The position after which to read."""
        return self.position if self.is_same_line else 0


@dataclass(frozen=True)
class Step:
    """What is written down for a webhook, and where it is then."""

    deliveries: Sequence[dict[str, Any]]
    epoch: str
    position: int


def next_step(behind: Behind, told: Sequence[Written], now: datetime) -> Step:
    """`told` is what is kept after `behind.start`, in order. What is not kept any more is said to be missing."""
    deliveries: list[dict[str, Any]] = []
    first = told[0].position if told else behind.head_position + 1
    if not behind.is_same_line:
        deliveries.append(_interruption(behind, "begun-anew", now))
    elif first > behind.start + 1:
        deliveries.append(_interruption(behind, "too-old", now))
    for notice in told:
        kind = TYPE_OF_SUBJECT.get(notice.subject)
        if kind is not None and kind.name in behind.event_types:
            body = message(kind, notice.written_at, notice.position, notice.body)
            deliveries.append(_delivery(behind, kind.name, body, notice.epoch, notice.position))
    if told:
        return Step(deliveries, told[-1].epoch, told[-1].position)
    return Step(deliveries, behind.head_epoch, behind.head_position)


async def queue_deliveries(connection: Connection) -> bool:
    """One round, in the caller's transaction. Whether there may be more to do."""
    async with connection.cursor(row_factory=class_row(Behind)) as cursor:
        await cursor.execute(_BEHIND, {"most": MOST_WEBHOOKS})
        late = await cursor.fetchall()
    if not late:
        return False
    now, steps = clock.now(), dict[UUID, Step]()
    for behind in late:
        told = await read_after(connection, {behind.user_id: behind.start}, most=MOST_NOTICES)
        steps[behind.webhook_id] = next_step(behind, told, now)
    new = [delivery for step in steps.values() for delivery in step.deliveries]
    await connection.execute(_ADD, (orjson.dumps(new).decode(),))
    moved = [
        {"webhook_id": webhook_id, "epoch": step.epoch, "position": step.position}
        for webhook_id, step in steps.items()
    ]
    await connection.execute(_MOVE, (orjson.dumps(moved).decode(),))
    return True


def _interruption(behind: Behind, reason: Literal["too-old", "begun-anew"], now: datetime) -> dict[str, Any]:
    data = InterruptedData(webhook_id=behind.webhook_id, reason=reason).model_dump_json()
    return _delivery(behind, INTERRUPTED.name, message(INTERRUPTED, now, None, data), None, None)


def _delivery(
    behind: Behind, type_name: str, body: str, epoch: str | None, position: int | None
) -> dict[str, Any]:
    return {
        "delivery_id": uuid4(),
        "webhook_id": behind.webhook_id,
        "type": type_name,
        "epoch": epoch,
        "position": position,
        "body": orjson.Fragment(body),
    }
