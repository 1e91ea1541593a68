"""What a worker remembers of logins: believed only while it would hear of a change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import httpx
import psycopg
import pytest
import redis as blocking_redis

from aurora.settings import Settings
from serving.app import create_app
from serving.auth import logins as logins_module
from serving.auth.logins import Logins
from serving.auth.tokens import AccessToken
from tests.serving.conftest import Account, log_in, quick, running, until_refused
from tests.serving.live_server import until

ME = "/api/v1/auth/me"


async def open_login(settings: Settings, account: Account) -> AccessToken:
    return create_app(settings, quick()).state.resources.tokens.read_access(account.tokens["access_token"])


@asynccontextmanager
async def listening(logins: Logins) -> AsyncIterator[None]:
    task = asyncio.create_task(logins.listen())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until_remembered(logins: Logins, token: AccessToken, url: str) -> None:
    """Ask until the answer is remembered: the line has to stand first."""
    async with asyncio.timeout(10), await psycopg.AsyncConnection.connect(url) as connection:
        while logins.remembered(token) is None:
            await logins.find(connection, token)
            await asyncio.sleep(0)


async def until_forgotten(logins: Logins, token: AccessToken) -> None:
    await until(lambda: logins.remembered(token) is None)


@pytest.mark.parametrize(
    "change",
    [
        "update app.sessions set revoked_at = now() where user_id = %s",
        "update app.users set role = 'analyst' where user_id = %s",
        "update app.users set deleted_at = now() where user_id = %s",
        "delete from app.users where user_id = %s",
    ],
)
async def test_whoever_changes_a_login_all_workers_hear_of_it(
    settings: Settings, ada: Account, api_database: str, change: str
) -> None:
    token, logins = await open_login(settings, ada), Logins(settings.postgres_url)
    async with listening(logins):
        await until_remembered(logins, token, settings.postgres_url)

        with psycopg.connect(api_database, autocommit=True) as owner:
            owner.execute(change.encode(), (ada.user_id,))

        await until_forgotten(logins, token)


async def test_a_refresh_token_used_again_closes_its_login_on_every_worker_also_when_redis_was_wiped(
    settings: Settings,
) -> None:
    options = quick(refresh_grace_seconds=0)
    async with (
        running(create_app(settings, options)) as here,
        running(create_app(settings, options)) as there,
    ):
        ada = await log_in(here)
        body = {"refresh_token": ada.tokens["refresh_token"]}
        renewed = (await here.post("/api/v1/auth/refresh", json=body)).json()
        known = {"Authorization": f"Bearer {renewed['access_token']}"}
        before = [(await worker.get(ME, headers=known)).status_code for worker in (here, there)]

        with blocking_redis.Redis.from_url(settings.redis_url) as client:
            client.flushdb()
        reused = await there.post("/api/v1/auth/refresh", json=body)

        for worker in (here, there):
            await until_refused(worker, known)
            await until_refused(worker, ada.headers)

    assert before == [200, 200]
    assert (reused.status_code, reused.json()["code"]) == (401, "token-reused")


async def test_nothing_is_remembered_while_nobody_listens(settings: Settings, ada: Account) -> None:
    token, logins = await open_login(settings, ada), Logins(settings.postgres_url)
    async with await psycopg.AsyncConnection.connect(settings.postgres_url) as connection:
        person = await logins.find(connection, token)

    assert person is not None
    assert logins.remembered(token) is None


async def test_a_line_that_went_silent_is_not_believed(
    settings: Settings, ada: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, logins = await open_login(settings, ada), Logins(settings.postgres_url)
    async with listening(logins):
        await until_remembered(logins, token, settings.postgres_url)

        monkeypatch.setattr(logins_module, "BELIEVED_SECONDS", -1.0)

        assert logins.remembered(token) is None


async def test_after_the_line_was_cut_everybody_is_asked_for_again(
    settings: Settings, ada: Account, api_database: str
) -> None:
    token, logins = await open_login(settings, ada), Logins(settings.postgres_url)
    async with listening(logins):
        await until_remembered(logins, token, settings.postgres_url)

        with psycopg.connect(api_database, autocommit=True) as owner:
            owner.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and query in ('listen aurora_logins', 'select 1')"
            )

        await until_forgotten(logins, token)
        await until_remembered(logins, token, settings.postgres_url)


async def test_what_changes_while_it_is_read_is_not_remembered(settings: Settings, ada: Account) -> None:
    token, logins = await open_login(settings, ada), Logins(settings.postgres_url)
    async with (
        listening(logins),
        await psycopg.AsyncConnection.connect(settings.postgres_url) as connection,
    ):
        await until_remembered(logins, token, settings.postgres_url)
        await logins.forget(UUID(ada.user_id))

        reading = asyncio.create_task(logins.find(connection, token))
        await asyncio.sleep(0)
        await logins.forget(UUID(ada.user_id))
        person = await reading

        assert person is not None
        assert logins.remembered(token) is None


async def test_a_changed_profile_is_what_this_worker_says_next(client: httpx.AsyncClient) -> None:
    ada = await log_in(client)
    for name in ("Ada", "Augusta", "A."):
        await client.patch(ME, json={"display_name": name}, headers=ada.headers)

        assert (await client.get(ME, headers=ada.headers)).json()["display_name"] == name


async def test_a_person_answers_without_postgres_being_asked_who_they_are(settings: Settings) -> None:
    app = create_app(settings, quick())
    async with running(app) as client:
        ada = await log_in(client)
        token = app.state.resources.tokens.read_access(ada.tokens["access_token"])
        await until_remembered(app.state.resources.logins, token, settings.postgres_url)
        await client.get("/api/v1/predictions/energy", headers=ada.headers)

        await app.state.resources.database.close()
        answer = await client.get("/api/v1/predictions/energy", headers=ada.headers)

        assert answer.status_code == 200
        assert (await client.get("/api/v1/scores", headers=ada.headers)).status_code == 503
