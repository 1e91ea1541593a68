"""The job worker: its tables, its chores, and what it leaves alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from uuid import uuid4

import psycopg
import pytest
from prometheus_client import REGISTRY

from aurora.topics import EVENTS_ACCEPTED
from serving.jobs.dead_letters import count_dead_letters
from serving.jobs.queue import ensure_tables, job_queue
from serving.jobs.tasks import CHORES, do
from tests.serving.conftest import DATA_KEY

WEBHOOK = uuid4()


@pytest.fixture
def jobs_url(committed_database: str, role_url: Callable[..., str]) -> str:
    return role_url("aurora_jobs", committed_database)


@pytest.fixture
def aged(committed_database: str) -> Iterator[psycopg.Connection]:
    """A database in which one row of each kind has had its time and one has not."""
    with psycopg.connect(committed_database, autocommit=True) as connection:
        user_id = uuid4()
        connection.execute(
            "insert into app.users (user_id, username, data_key_ciphertext) values (%s, 'ada', '')",
            (user_id,),
        )
        connection.execute(
            "insert into app.webhooks (webhook_id, user_id, url, event_types) values (%s, %s, '', '{}')",
            (WEBHOOK, user_id),
        )
        for age in ("0 days", "40 days"):
            values = {"user": user_id, "age": age, "webhook": WEBHOOK}
            connection.execute(
                "insert into app.sessions (session_id, user_id, family_id, refresh_hash, expires_at) values"
                " (gen_random_uuid(), %(user)s, gen_random_uuid(), %(age)s::text::bytea,"
                " now() - %(age)s::text::interval + interval '1 hour')",
                values,
            )
            connection.execute(
                "insert into app.api_keys (key_id, user_id, name, prefix, key_hash, scopes, expires_at) values"
                " (gen_random_uuid(), %(user)s, '', '', %(age)s::text::bytea, '{}',"
                " now() - 10 * %(age)s::text::interval)",
                values,
            )
            connection.execute(
                "insert into app.idempotency_keys (user_id, key, request_hash, status, body, created_at)"
                " values (%(user)s, %(age)s::text, '', 201, '{}', now() - %(age)s::text::interval)",
                values,
            )
            connection.execute(
                "insert into app.notices (user_id, position, subject, body, written_at) values (%(user)s,"
                " extract(days from %(age)s::text::interval), 'scores', '{}', now() - %(age)s::text::interval)",
                values,
            )
            connection.execute(
                "insert into app.email_tokens (token_hash, user_id, purpose, email_hash, email_ciphertext, expires_at)"
                " values (%(age)s::text::bytea, %(user)s, 'reset', '', '', now() - %(age)s::text::interval)",
                values,
            )
            connection.execute(
                "insert into app.outgoing_emails (email_id, kind, recipient_hash, sent_at)"
                " values (gen_random_uuid(), 'reset', '', now() - %(age)s::text::interval)",
                values,
            )
            connection.execute(
                "insert into app.webhook_deliveries (delivery_id, webhook_id, type, body, created_at) values"
                " (gen_random_uuid(), %(webhook)s, '', '{}', now() - %(age)s::text::interval)",
                values,
            )
            connection.execute(
                "insert into app.webhook_secrets (secret_id, webhook_id, ciphertext, expires_at) values"
                " (gen_random_uuid(), %(webhook)s, '', now() - %(age)s::text::interval + interval '1 hour')",
                values,
            )
            connection.execute(
                "insert into raw.outbox (topic, user_id, body, created_at, published_at)"
                " values ('t', %(user)s, '{}', now(), now() - %(age)s::text::interval)",
                values,
            )
        connection.execute(
            "insert into raw.outbox (topic, user_id, body, created_at)"
            " values ('t', %s, '{}', now() - interval '1 year')",
            (user_id,),
        )
        yield connection


@pytest.mark.parametrize("chore", CHORES, ids=lambda chore: chore.name)
async def test_a_chore_deletes_what_has_had_its_time(
    aged: psycopg.Connection, jobs_url: str, chore: object
) -> None:
    before = _observed(chore.name)  # type: ignore[attr-defined]

    assert await do(chore, jobs_url) == 1  # type: ignore[arg-type]
    assert await do(chore, jobs_url) == 0  # type: ignore[arg-type]

    left = aged.execute(f"select count(*) from {chore.table}").fetchone()  # type: ignore[attr-defined, arg-type]
    assert left == (2 if chore.table == "raw.outbox" else 1,)  # type: ignore[attr-defined]
    assert _observed(chore.name) == before + 2  # type: ignore[attr-defined]


async def test_a_secret_that_is_not_replaced_stays(aged: psycopg.Connection, jobs_url: str) -> None:
    aged.execute(
        "insert into app.webhook_secrets (secret_id, webhook_id, ciphertext, created_at)"
        " values (gen_random_uuid(), %s, 'in use', now() - interval '1 year')",
        (WEBHOOK,),
    )
    for chore in CHORES:
        await do(chore, jobs_url)

    left = aged.execute("select ciphertext from app.webhook_secrets where expires_at is null").fetchall()
    assert left == [(b"in use",)]


async def test_a_message_without_effect_outlives_every_chore(aged: psycopg.Connection, jobs_url: str) -> None:
    aged.execute(
        "insert into raw.outbox (topic, user_id, body, created_at, published_at)"
        " select topic, user_id, '{}', now(), now() - interval '1 year'"
        " from (select %s as topic, user_id from app.users limit 1) as someone",
        (EVENTS_ACCEPTED,),
    )
    for chore in CHORES:
        await do(chore, jobs_url)

    left = aged.execute("select count(*) from raw.outbox where topic = %s", (EVENTS_ACCEPTED,)).fetchone()
    assert left == (1,)


def _observed(name: str) -> float:
    return REGISTRY.get_sample_value("task_duration_seconds_count", {"task_name": name}) or 0.0


def test_the_queue_makes_its_own_tables_once(jobs_url: str, committed_database: str) -> None:
    assert ensure_tables(jobs_url)
    assert not ensure_tables(jobs_url)

    with psycopg.connect(committed_database) as connection:
        owner = connection.execute(
            "select tableowner from pg_tables where schemaname = 'jobs' and tablename = 'procrastinate_jobs'"
        ).fetchone()
    assert owner == ("aurora_jobs",)


async def test_a_deferred_chore_is_done_by_the_worker(aged: psycopg.Connection, jobs_url: str) -> None:
    await asyncio.to_thread(ensure_tables, jobs_url)
    app = job_queue(jobs_url, DATA_KEY)

    async with app.open_async():
        task = app.tasks["housekeeping:delete_published_outbox_rows"]
        await task.defer_async(timestamp=0)
        await app.run_worker_async(wait=False, delete_jobs="successful")

    assert aged.execute("select count(*) from raw.outbox").fetchone() == (2,)
    assert aged.execute("select count(*) from jobs.procrastinate_jobs where status <> 'todo'").fetchone() == (
        0,
    )


def test_every_chore_is_scheduled() -> None:
    app = job_queue("postgresql://nobody@127.0.0.1:1/nothing", DATA_KEY)

    scheduled = {task.task.name for task in app.periodic_registry.periodic_tasks.values()}

    others = {"metrics:count_dead_letters", "audit:seal_audit"}
    assert scheduled == {f"housekeeping:{chore.name}" for chore in CHORES} | others


async def test_waiting_dead_letters_are_a_metric_by_source_and_reason(
    committed_database: str, jobs_url: str
) -> None:
    with psycopg.connect(committed_database, autocommit=True) as connection:
        connection.execute(
            "insert into raw.rejected_events (source, reason_code, reason, body)"
            " select 'api', 'unknown_type', 'because', '{}' from generate_series(1, 3)"
        )
        labels = {"source": "api", "reason_code": "unknown_type"}

        await count_dead_letters(jobs_url)
        assert REGISTRY.get_sample_value("aurora_events_dead_letters", labels) == 3

        connection.execute("update raw.rejected_events set replayed_at = now()")
        await count_dead_letters(jobs_url)
        assert REGISTRY.get_sample_value("aurora_events_dead_letters", labels) == 0
