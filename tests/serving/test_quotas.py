"""Own quotas: true from somebody's first request on, whatever this worker remembers of their login."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from aurora.settings import Settings
from serving.app import create_app
from serving.auth import quotas
from serving.auth.logins import Logins
from serving.auth.quotas import Quotas
from serving.database import Connection, Database
from tests.serving.conftest import Account, an_event, quick, running

ME = "/api/v1/auth/me"


def give(database: str, who: Account, quota: int | None) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "update app.users set requests_per_minute = %s where user_id = %s", (quota, who.user_id)
        )


async def policy_told(client: httpx.AsyncClient, who: Account) -> str:
    return (await client.get(ME, headers=who.headers)).headers["ratelimit-policy"]


@asynccontextmanager
async def a_deaf_worker(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """One that hears nothing from Postgres: it remembers no login, and asks for each each time."""

    async def hear_nothing(_self: Logins) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Logins, "listen", hear_nothing)
    async with running(create_app(settings, quick())) as client:
        yield client


@pytest.mark.parametrize("quota", [7, 6000])
async def test_the_first_request_that_a_worker_sees_of_somebody_is_judged_by_their_own_quota(
    settings: Settings, client: httpx.AsyncClient, ada: Account, api_database: str, quota: int
) -> None:
    give(api_database, ada, quota)
    async with running(create_app(settings, quick())) as another_worker:
        told = await policy_told(another_worker, ada)

    assert told == f'"user";q={quota};w=60'


@pytest.mark.parametrize("quota", [7, 6000])
async def test_a_quota_holds_when_nothing_is_heard_from_postgres(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    ada: Account,
    api_database: str,
    quota: int,
) -> None:
    give(api_database, ada, quota)
    async with a_deaf_worker(settings, monkeypatch) as worker:
        told = [await policy_told(worker, ada) for _ in range(3)]
        before = await worker.get(ME, headers=ada.headers)
        statuses = [(await worker.get(ME, headers=ada.headers)).status_code for _ in range(8)]

    assert told == [f'"user";q={quota};w=60'] * 3
    assert before.status_code == 200
    assert (429 in statuses) is (quota == 7)


async def test_a_worker_that_hears_nothing_learns_another_quota_from_the_next_request(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, ada: Account, api_database: str
) -> None:
    async with a_deaf_worker(settings, monkeypatch) as worker:
        told = [await policy_told(worker, ada)]
        for quota in (6000, 7, None):
            give(api_database, ada, quota)
            await policy_told(worker, ada)
            told.append(await policy_told(worker, ada))

    assert [policy.split(";")[1] for policy in told] == ["q=600", "q=6000", "q=7", "q=600"]


async def test_who_only_sends_events_has_their_own_quota_too(
    settings: Settings, ada: Account, api_database: str
) -> None:
    """Events look up less of a person than all else does."""
    give(api_database, ada, 3)
    async with running(create_app(settings, quick())) as worker:
        sent = [await worker.post("/api/v1/events", json=an_event(), headers=ada.headers) for _ in range(4)]

    assert [answer.status_code for answer in sent] == [201, 201, 201, 429]
    assert 1 <= int(sent[-1].headers["retry-after"]) <= 61


async def test_what_was_counted_stays_when_a_quota_is_given(
    client: httpx.AsyncClient, ada: Account, api_database: str
) -> None:
    for _ in range(5):
        await client.get(ME, headers=ada.headers)
    give(api_database, ada, 5)

    async with asyncio.timeout(10):
        while "q=5;" not in (answer := await client.get(ME, headers=ada.headers)).headers["ratelimit-policy"]:
            pass

    assert answer.status_code == 429


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings.need("postgres_url"), size=1, statements=1, wait_seconds=10)
    await database.open()
    yield database
    await database.close()


async def test_a_quota_is_asked_for_once_and_for_many_at_once(
    database: Database, settings: Settings, ada: Account, api_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(api_database, ada, 7)
    transactions = 0
    transaction = database.transaction

    def counted() -> AbstractAsyncContextManager[Connection]:
        nonlocal transactions
        transactions += 1
        return transaction()

    monkeypatch.setattr(database, "transaction", counted)
    known = Quotas(database, Logins(settings.need("postgres_url")))
    strangers = [uuid4() for _ in range(20)]

    found = await asyncio.gather(*(known.of(person) for person in (UUID(ada.user_id), *strangers)))
    again = await known.of(UUID(ada.user_id))

    assert found == [7, *[None] * 20]
    assert (again, transactions) == (7, 1)


async def test_the_memory_of_quotas_has_an_end(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotas, "REMEMBERED_QUOTAS", 10)
    known = Quotas(database, Logins(settings.need("postgres_url")))
    for _ in range(30):
        await known.of(uuid4())

    assert len(known._known) == 10


async def test_who_cannot_be_asked_for_counts_as_anybody_and_is_told_to_come_again(
    settings: Settings, ada: Account
) -> None:
    nowhere = settings.model_copy(update={"postgres_url": "postgresql://a:b@127.0.0.1:1/aurora"})
    app = create_app(nowhere, quick(postgres_wait_seconds=0.1))
    async with running(app) as worker:
        answer = await worker.get(ME, headers=ada.headers)
        public = await worker.get("/api/v1/event-types", headers=ada.headers)

    assert answer.status_code == 503
    assert answer.headers["ratelimit-policy"] == '"user";q=600;w=60'
    assert public.status_code == 200
