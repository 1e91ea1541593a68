"""Nobody stays logged in by being quick: what closes logins also closes one that opens at that moment."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest

from aurora.settings import Settings
from serving.app import create_app
from serving.auth import service
from serving.auth.administration import change_password as set_password
from serving.auth.passwords import Passwords
from serving.auth.sessions import digest
from tests.serving.conftest import PASSWORD, Account, log_in, quick, running, until_refused
from tests.serving.test_accounts import again
from tests.serving.test_authorisation import give_role
from tests.serving.waiting import HeldBack, until_waiting

NEW_PASSWORD = "another sentence that one remembers"
AUTH = "/api/v1/auth"


@dataclass
class Scene:
    """Ada, who is logged in twice, and an administrator."""

    client: httpx.AsyncClient
    passwords: Passwords
    phone: Account
    laptop: Account
    admin: Account
    used: str
    """A refresh token of the phone that gave the next one."""
    url: str

    async def delete(self, path: str, who: Account, **body: str) -> int:
        answer = await self.client.request("DELETE", path, headers=who.headers, json=body or None)
        return answer.status_code

    async def post(self, path: str, who: Account | None = None, **body: str) -> httpx.Response:
        headers = who.headers if who else {}
        return await self.client.post(f"{AUTH}/{path}", headers=headers, json=body or None)


async def log_out(scene: Scene) -> int:
    return (await scene.post("logout", scene.phone)).status_code


async def log_out_everywhere(scene: Scene) -> int:
    return await scene.delete(f"{AUTH}/sessions", scene.phone)


async def log_out_elsewhere(scene: Scene) -> int:
    return await scene.delete(f"{AUTH}/sessions?keep_current=true", scene.laptop)


async def close_the_phone(scene: Scene) -> int:
    listed = await scene.client.get(f"{AUTH}/sessions", headers=scene.phone.headers)
    [phone] = [login["session_id"] for login in listed.json()["items"] if login["is_current"]]
    return await scene.delete(f"{AUTH}/sessions/{phone}", scene.laptop)


async def use_a_token_again(scene: Scene) -> int:
    return (await scene.post("refresh", refresh_token=scene.used)).status_code


async def change_the_password(scene: Scene) -> int:
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    return (await scene.post("password", scene.laptop, **body)).status_code


async def reset_the_password(scene: Scene) -> int:
    token = secrets.token_urlsafe()
    with psycopg.connect(scene.url, autocommit=True) as connection:
        connection.execute(
            "insert into app.email_tokens"
            " (token_hash, user_id, purpose, email_hash, email_ciphertext, created_at, expires_at)"
            " values (%s, %s, 'reset', '', '', now(), now() + interval '1 hour')",
            (digest(token), scene.phone.user_id),
        )
    return (await scene.post("password/reset", token=token, new_password=NEW_PASSWORD)).status_code


async def set_the_password_by_command(scene: Scene) -> int:
    await asyncio.to_thread(set_password, scene.url, scene.phone.username, NEW_PASSWORD)
    return 204


async def delete_the_account(scene: Scene) -> int:
    return await scene.delete(f"{AUTH}/me", scene.laptop, current_password=PASSWORD)


async def withdraw_all_access(scene: Scene) -> int:
    return await scene.delete(f"/api/v1/admin/users/{scene.phone.user_id}/sessions", scene.admin)


async def refresh(scene: Scene) -> httpx.Response:
    return await scene.post("refresh", refresh_token=scene.phone.tokens["refresh_token"])


async def log_in_again(scene: Scene) -> httpx.Response:
    return await scene.post("login", username=scene.phone.username, password=PASSWORD)


Closing = Callable[[Scene], Coroutine[Any, Any, int]]
Opening = Callable[[Scene], Coroutine[Any, Any, httpx.Response]]
OF_ALL_LOGINS: list[tuple[Closing, int]] = [
    (log_out_everywhere, 204),
    (log_out_elsewhere, 204),
    (change_the_password, 204),
    (reset_the_password, 204),
    (set_the_password_by_command, 204),
    (delete_the_account, 202),
    (withdraw_all_access, 204),
]
OF_ONE_LOGIN: list[tuple[Closing, int]] = [(log_out, 204), (close_the_phone, 204), (use_a_token_again, 401)]
CHANGES_OF_PASSWORD: list[tuple[Closing, int]] = [
    (change_the_password, 204),
    (reset_the_password, 204),
    (set_the_password_by_command, 204),
    (delete_the_account, 202),
]


@pytest.fixture
async def scene(
    settings: Settings, api_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Scene]:
    monkeypatch.setenv("AURORA_API_BCRYPT_COST", "4")  # of the command
    app = create_app(settings, quick(refresh_grace_seconds=0))
    async with running(app) as client:
        phone, admin = await log_in(client), await log_in(client)
        give_role(api_database, admin, "admin")
        laptop = await again(client, phone)
        used = phone.tokens["refresh_token"]
        renewed = await client.post(f"{AUTH}/refresh", json={"refresh_token": used})
        phone = Account(phone.user_id, phone.username, renewed.json())
        yield Scene(client, app.state.resources.passwords, phone, laptop, admin, used, api_database)


@pytest.mark.parametrize(
    ("opens", "closes", "status"),
    [
        *((refresh, *closing) for closing in OF_ONE_LOGIN + OF_ALL_LOGINS),
        *((log_in_again, *closing) for closing in OF_ALL_LOGINS),
    ],
)
async def test_a_login_that_opens_while_logins_are_closed_is_closed_with_them(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, opens: Opening, closes: Closing, status: int
) -> None:
    added = HeldBack(service.add_session)
    monkeypatch.setattr(service, "add_session", added)

    opening = asyncio.create_task(opens(scene))
    await added.has_done.wait()
    closing = asyncio.create_task(closes(scene))
    await until_waiting(scene.url)
    added.let_go()
    opened, closed = await asyncio.gather(opening, closing)

    assert (opened.status_code, closed) == (200, status)
    late = Account(scene.phone.user_id, scene.phone.username, opened.json())
    await until_refused(scene.client, late.headers)
    if opens is refresh:
        await until_refused(scene.client, scene.phone.headers)
    again = await scene.post("refresh", refresh_token=late.tokens["refresh_token"])
    assert again.status_code == 401


@pytest.mark.parametrize(("changes", "status"), CHANGES_OF_PASSWORD)
async def test_a_password_that_was_right_when_it_was_verified_opens_nothing_after_it_changed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, changes: Closing, status: int
) -> None:
    verified = HeldBack(scene.passwords.verify)
    monkeypatch.setattr(scene.passwords, "verify", verified)

    logging_in = asyncio.create_task(log_in_again(scene))
    await verified.has_done.wait()
    changed = await changes(scene)
    verified.let_go()
    answer = await logging_in

    assert changed == status
    assert (answer.status_code, answer.json()["code"]) == (401, "credentials-invalid")


@pytest.mark.parametrize("asks_for", ["email", "deletion"])
async def test_a_password_that_was_right_a_moment_ago_changes_nothing_of_the_account(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, asks_for: str
) -> None:
    verified = HeldBack(scene.passwords.verify)
    monkeypatch.setattr(scene.passwords, "verify", verified)

    asking = asyncio.create_task(
        scene.post("email", scene.phone, email="eve@example.org", current_password=PASSWORD)
        if asks_for == "email"
        else scene.client.request(
            "DELETE", f"{AUTH}/me", headers=scene.phone.headers, json={"current_password": PASSWORD}
        )
    )
    await verified.has_done.wait()
    await reset_the_password(scene)
    verified.let_go()
    answer = await asking

    assert (answer.status_code, answer.json()["code"]) == (422, "password-wrong")


async def test_a_login_beside_one_that_hashes_the_password_anew_is_let_in(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(create_app(settings, quick(bcrypt_cost=5))) as client:
        ada = await log_in(client)
    app = create_app(settings, quick())
    async with running(app) as client:
        passwords = app.state.resources.passwords
        verified = HeldBack(passwords.verify)
        monkeypatch.setattr(passwords, "verify", verified)

        first = asyncio.create_task(again(client, ada))
        await verified.has_done.wait()
        await again(client, ada)
        verified.let_go()

        assert (await client.get(f"{AUTH}/me", headers=(await first).headers)).status_code == 200


async def test_a_login_that_was_closed_a_moment_ago_makes_no_key(scene: Scene) -> None:
    with psycopg.connect(scene.url) as other:
        other.execute("select from app.users where user_id = %s for no key update", (scene.phone.user_id,))
        making = asyncio.create_task(
            scene.client.post(
                "/api/v1/api-keys",
                headers=scene.phone.headers,
                json={"name": "x", "scopes": ["events:read"]},
            )
        )
        await until_waiting(scene.url)
        other.execute("update app.sessions set revoked_at = now() where user_id = %s", (scene.phone.user_id,))
    answer = await making

    assert (answer.status_code, answer.json()["code"]) == (401, "token-invalid")
