"""The queue of attempts: which deliveries are next, and what is written down after each.

A process that takes a delivery holds it until a time (a lease). One that dies in between leaves it to whoever looks
after that: it is sent once more with the same `webhook-id`, by which receivers know it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, LiteralString
from uuid import UUID

from psycopg.rows import class_row

from aurora.events.ciphertext import open_text, unwrap
from serving.database import Connection
from serving.webhooks.retrying import Verdict, judge
from serving.webhooks.sending import Answer

LEASE: Final = timedelta(seconds=90)
"""Longer than any attempt and the transaction after it."""

_WAITS: Final[LiteralString] = """
    delivered_at is null and failed_at is null and next_attempt_at <= %(now)s
    and (leased_until is null or leased_until <= %(now)s)
"""
_UNDER_WAY: Final[LiteralString] = "leased_until > %(now)s"
# First the webhooks, and their locks; then their deliveries, as they are now that nobody else takes any.
_READY: Final[LiteralString] = f"""
    select webhook_id
    from app.webhooks
    cross join lateral (
        select next_attempt_at from app.webhook_deliveries
        where webhook_deliveries.webhook_id = webhooks.webhook_id and {_WAITS}
        order by next_attempt_at
        limit 1
    ) as next
    where disabled_at is null and (failing_since is not null) = %(failing)s
        and exists (select from app.users where users.user_id = webhooks.user_id and deleted_at is null)
        and %(each)s > (
            select count(*) from app.webhook_deliveries
            where webhook_deliveries.webhook_id = webhooks.webhook_id and {_UNDER_WAY}
        )
    order by next_attempt_at
    limit %(most)s
    for update of webhooks skip locked
"""  # noqa: S608  # our own text
_TAKE: Final[LiteralString] = f"""
    with waiting as (
        select next.*, place, row_number() over (partition by place order by next_attempt_at, position) as turn
        from unnest(%(webhook_ids)s::uuid[]) with ordinality as ready (webhook_id, place)
        cross join lateral (
            select delivery_id, next_attempt_at, position
            from app.webhook_deliveries
            where webhook_deliveries.webhook_id = ready.webhook_id and {_WAITS}
            order by next_attempt_at, position
            limit greatest(0, %(each)s - (
                select count(*) from app.webhook_deliveries
                where webhook_deliveries.webhook_id = ready.webhook_id and {_UNDER_WAY}
            ))
        ) as next
    ),
    chosen as (select delivery_id from waiting order by turn, place limit %(most)s)
    update app.webhook_deliveries as deliveries
    set leased_until = %(until)s
    from chosen, app.webhooks as webhooks, app.users as users
    where deliveries.delivery_id = chosen.delivery_id
        and webhooks.webhook_id = deliveries.webhook_id
        and users.user_id = webhooks.user_id
    returning
        deliveries.delivery_id, deliveries.webhook_id, webhooks.user_id, webhooks.url,
        deliveries.body::text as body, deliveries.attempts, deliveries.earlier_attempts, deliveries.leased_until,
        webhooks.failing_since, users.data_key_ciphertext,
        array(
            select ciphertext from app.webhook_secrets as secrets
            where secrets.webhook_id = deliveries.webhook_id and (expires_at is null or expires_at > %(now)s)
            order by created_at desc
        ) as secret_ciphertexts
"""  # noqa: S608  # our own text
_LOCK: Final[LiteralString] = "select url, failing_since from app.webhooks where webhook_id = %s for update"
# A lease that ran out may be somebody else's by now: then it is theirs to say how it went.
_SETTLE: Final[LiteralString] = """
    update app.webhook_deliveries
    set attempts = %(number)s, leased_until = null,
        next_attempt_at = coalesce(%(next_attempt_at)s, next_attempt_at),
        delivered_at = case when %(state)s = 'delivered' then %(now)s end,
        failed_at = case when %(state)s = 'failed' then %(now)s end
    where delivery_id = %(delivery_id)s and leased_until = %(leased_until)s
"""
_NOTE: Final[LiteralString] = """
    insert into app.webhook_attempts (delivery_id, number, attempted_at, duration_ms, status, problem)
    values (%(delivery_id)s, %(number)s, %(attempted_at)s, %(duration_ms)s, %(status)s, %(problem)s)
"""
_MARK: Final[LiteralString] = """
    update app.webhooks
    set failing_since = %(failing_since)s,
        disabled_at = case when disabled_at is null and %(disabled)s::text is not null then %(now)s
            else disabled_at end,
        disabled_reason = coalesce(disabled_reason, %(disabled)s)
    where webhook_id = %(webhook_id)s
"""
_COUNT_DUE: Final[LiteralString] = f"""
    select count(*) from app.webhook_deliveries
    inner join app.webhooks using (webhook_id)
    where disabled_at is null and {_WAITS}
"""  # noqa: S608  # our own text


@dataclass(frozen=True)
class Attempt:
    """A delivery that this process holds, with all that an attempt needs."""

    delivery_id: UUID
    webhook_id: UUID
    user_id: UUID
    url: str
    body: str
    attempts: int
    earlier_attempts: int
    leased_until: datetime
    failing_since: datetime | None
    data_key_ciphertext: bytes
    secret_ciphertexts: list[bytes]

    @property
    def number(self) -> int:
        return self.attempts + 1

    @property
    def number_in_schedule(self) -> int:
        return self.number - self.earlier_attempts

    def secrets(self, system_key: str) -> list[str]:
        """Those that are valid now, the newest first."""
        key = unwrap(system_key, self.user_id, self.data_key_ciphertext)
        return [open_text(key, self.webhook_id, sealed) for sealed in self.secret_ciphertexts]


async def take_attempts(
    connection: Connection, now: datetime, *, most: int, each: int, failing: bool
) -> Sequence[Attempt]:
    """Up to `most` deliveries whose time has come, up to `each` of one webhook at a time, over all processes.

    `failing` says of which webhooks: those whose last attempts failed, or the others.
    """
    if most < 1:
        return []
    wanted = {"now": now, "most": most, "each": each, "failing": failing, "until": now + LEASE}
    ready = await (await connection.execute(_READY, wanted)).fetchall()
    if not ready:
        return []
    async with connection.cursor(row_factory=class_row(Attempt)) as cursor:
        await cursor.execute(_TAKE, {**wanted, "webhook_ids": [webhook_id for (webhook_id,) in ready]})
        return await cursor.fetchall()


async def settle(
    connection: Connection, attempt: Attempt, begun: datetime, answer: Answer, now: datetime, chance: float
) -> Verdict | None:
    """Judge it and write down how it went; None when the webhook is gone, or the lease was somebody else's by then."""
    row = await (await connection.execute(_LOCK, (attempt.webhook_id,))).fetchone()
    if row is None:
        return None
    url, failing_since = row
    verdict = judge(
        answer, attempts=attempt.number_in_schedule, failing_since=failing_since, now=now, chance=chance
    )
    values = {
        "delivery_id": attempt.delivery_id,
        "webhook_id": attempt.webhook_id,
        "leased_until": attempt.leased_until,
        "number": attempt.number,
        "attempted_at": begun,
        "duration_ms": answer.duration_ms,
        "status": answer.status,
        "problem": answer.problem,
        "state": verdict.state,
        "next_attempt_at": verdict.next_attempt_at,
        "disabled": verdict.disabled,
        "failing_since": None if verdict.state == "delivered" else failing_since or begun,
        "now": now,
    }
    if not (await connection.execute(_SETTLE, values)).rowcount:
        return None
    await connection.execute(_NOTE, values)
    # What another address answered says nothing about this one.
    if url == attempt.url and (verdict.disabled is not None or values["failing_since"] != failing_since):
        await connection.execute(_MARK, values)
    return verdict


async def count_due(connection: Connection, now: datetime) -> int:
    """Deliveries whose time has come and that nobody is at."""
    row = await (await connection.execute(_COUNT_DUE, {"now": now})).fetchone()
    return row[0] if row else 0
