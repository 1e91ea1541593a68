"""The periodic tasks: what has had its time is deleted. To add one, add a Chore."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import psycopg
import structlog
from procrastinate import Blueprint
from psycopg import sql

from aurora.telemetry import TASK_DURATION
from aurora.topics import EVENTS_ACCEPTED

log = structlog.get_logger(__name__)

ROWS_AT_ONCE: Final = 10_000
"""Short transactions: nobody waits for the housekeeping."""


@dataclass(frozen=True)
class Chore:
    """Rows of one table that may go, and how often somebody looks (cron, UTC)."""

    name: str
    cron: str
    table: LiteralString
    may_go: LiteralString


CHORES: Final = (
    # A family stays while one of its tokens may still be shown again: reuse has to be recognised.
    Chore("delete_expired_sessions", "17 * * * *", "app.sessions", "expires_at < now() - interval '1 day'"),
    Chore(
        "delete_dead_api_keys",
        "47 * * * *",
        "app.api_keys",
        "least(revoked_at, expires_at) < now() - interval '90 days'",
    ),
    Chore(
        "delete_expired_idempotency_keys",
        "27 * * * *",
        "app.idempotency_keys",
        "created_at < now() - interval '24 hours'",  # serving.idempotency.KEPT
    ),
    # A day after its end: whoever is asked why a link does not work can still see it.
    Chore("delete_expired_links", "47 * * * *", "app.email_tokens", "expires_at < now() - interval '1 day'"),
    Chore(
        "delete_old_emails",
        "57 * * * *",
        "app.outgoing_emails",
        # Those that wait so long were written where there is no mail server at all.
        "sent_at < now() - interval '7 days' or failed_at < now() - interval '30 days'"
        " or created_at < now() - interval '30 days'",
    ),
    Chore(
        "delete_old_notices",
        "7 * * * *",
        "app.notices",
        "written_at < now() - interval '3 days'",  # aurora.notices.log.KEPT
    ),
    Chore(
        "delete_old_webhook_deliveries",
        "47 * * * *",
        "app.webhook_deliveries",
        "created_at < now() - interval '30 days'",
    ),
    Chore("delete_expired_webhook_secrets", "57 * * * *", "app.webhook_secrets", "expires_at < now()"),
    Chore(
        "delete_published_outbox_rows",
        "37 * * * *",
        "raw.outbox",
        # A message that was published and never took effect must stay, however long the streams were away.
        "published_at < now() - interval '3 days'"
        f" and (consumed_at is not null or topic <> '{EVENTS_ACCEPTED}')",
    ),
)


def housekeeping(url: str) -> Blueprint:
    """All chores as periodic tasks."""
    blueprint = Blueprint()
    for chore in CHORES:
        _add(blueprint, chore, url)
    return blueprint


def _add(blueprint: Blueprint, chore: Chore, url: str) -> None:
    async def run(timestamp: int) -> None:
        del timestamp
        await do(chore, url)

    # A chore that still waits is not queued a second time.
    task: Callable[..., Any] = blueprint.task(name=chore.name, queueing_lock=chore.name, retry=3)(run)
    blueprint.periodic(cron=chore.cron)(task)  # pyright: ignore[reportArgumentType]  # the stub wants its own Task


async def do(chore: Chore, url: str) -> int:
    """Delete what may go; returns how many rows that were."""
    statement = sql.SQL(
        "delete from {table} where ctid = any(array(select ctid from {table} where {may_go} limit {limit}))"
    ).format(table=sql.SQL(chore.table), may_go=sql.SQL(chore.may_go), limit=ROWS_AT_ONCE)
    deleted = 0
    with TASK_DURATION.labels(chore.name).time():
        async with await psycopg.AsyncConnection.connect(
            url, autocommit=True, connect_timeout=5
        ) as connection:
            while True:
                count = (await connection.execute(statement)).rowcount
                deleted += count
                if count < ROWS_AT_ONCE:
                    break
    log.info("chore_done", chore=chore.name, deleted=deleted)
    return deleted
