"""Who may ask for what: every route of the OpenAPI document for everybody who can come.

What is whose is asked in test_ownership.py.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from aurora import clock
from aurora.settings import Settings
from serving.app import create_app
from serving.auth.scopes import KEY_SCOPES, SCOPES
from serving.auth.tokens import Secrets, TokenIssuer
from serving.description import openapi_json
from serving.openapi import BEARER
from serving.options import ApiOptions
from tests.serving.conftest import JWT_SECRET, Account, log_in, quick, running
from tests.serving.routes import PUBLIC, ROUTES

ROLES = ("user", "analyst", "operator", "admin")
GUARDED = {route: scope for route, scope in ROUTES.items() if scope is not None}


def documented() -> dict[str, Any]:
    """The operations of the OpenAPI document, by method and path."""
    paths = json.loads(openapi_json())["paths"]
    return {
        f"{method.upper()} {path}": operation
        for path, operations in paths.items()
        for method, operation in operations.items()
    }


def scopes_told(operation: dict[str, Any]) -> set[str]:
    return {scope for way in operation.get("security", []) for scope in way.get(BEARER, [])}


def give_role(url: str, account: Account, role: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("update app.users set role = %s where user_id = %s", (role, account.user_id))


async def with_role(client: httpx.AsyncClient, url: str, role: str) -> Account:
    account = await log_in(client)
    give_role(url, account, role)
    return account


async def ask(client: httpx.AsyncClient, route: str, headers: dict[str, str], item: object) -> httpx.Response:
    """Ask for a route, with an empty body and everything in its path filled in."""
    method, path = route.split(" ")
    path = re.sub(r"\{\w+\}", str(item), path)
    return await client.request(
        method, path, headers=headers, json={} if method in {"POST", "PATCH"} else None
    )


def an_item(route: str) -> object:
    return 4711 if "rejection_id" in route else uuid4()


def test_every_route_is_listed_with_the_scope_that_the_docs_tell() -> None:
    told = {route: scopes_told(operation) for route, operation in documented().items()}

    assert told == {route: set() if scope is PUBLIC else {scope} for route, scope in ROUTES.items()}
    assert set(GUARDED.values()) == set(SCOPES)


def test_what_takes_a_login_says_so_in_its_answers() -> None:
    for route, operation in documented().items():
        expected = {"401", "403"} if ROUTES[route] is not PUBLIC else set()
        assert expected <= operation["responses"].keys(), route


@pytest.fixture
async def people(client: httpx.AsyncClient, api_database: str) -> dict[str, Account]:
    return {role: await with_role(client, api_database, role) for role in ROLES}


@pytest.mark.parametrize("route", GUARDED)
async def test_a_route_answers_the_roles_that_may_and_refuses_the_others(
    client: httpx.AsyncClient, people: dict[str, Account], route: str
) -> None:
    for role, account in people.items():
        answer = await ask(client, route, account.headers, an_item(route))

        if role in SCOPES[GUARDED[route]].roles:
            assert answer.status_code not in {401, 403}, (role, answer.text)
            assert answer.status_code < 500, (role, answer.text)
        else:
            assert answer.status_code == 403, (role, answer.text)
            assert answer.json()["code"] == "role-missing"


@pytest.mark.parametrize("route", GUARDED)
async def test_a_route_answers_the_keys_that_were_made_for_it_and_no_others(
    client: httpx.AsyncClient, api_database: str, route: str
) -> None:
    admin = await with_role(client, api_database, "admin")
    for scope in KEY_SCOPES:
        made = await client.post(
            "/api/v1/api-keys", json={"name": scope, "scopes": [scope]}, headers=admin.headers
        )
        key = {"Authorization": f"Bearer {made.json()['key']}"}

        answer = await ask(client, route, key, an_item(route))

        if scope == GUARDED[route]:
            assert answer.status_code not in {401, 403}, (scope, answer.text)
            assert answer.status_code < 500, (scope, answer.text)
        else:
            assert answer.status_code == 403, (scope, answer.text)
            assert answer.json()["code"] == "scope-missing"


@pytest.fixture(scope="module")
async def wanting_addresses(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The API where the operator wants confirmed addresses."""
    async with running(create_app(settings, quick(require_verified_email=True))) as client:
        yield client


@pytest.mark.parametrize("route", GUARDED)
async def test_where_a_confirmed_address_is_wanted_a_route_outside_auth_answers_nobody_without_one(
    client: httpx.AsyncClient, wanting_addresses: httpx.AsyncClient, api_database: str, route: str
) -> None:
    unverified = await with_role(client, api_database, "admin")
    made = await client.post(
        "/api/v1/api-keys", json={"name": "all", "scopes": list(KEY_SCOPES)}, headers=unverified.headers
    )
    key = {"Authorization": f"Bearer {made.json()['key']}"}
    is_account = route.split(" ")[1].startswith("/api/v1/auth/")

    by_key = await ask(wanting_addresses, route, key, an_item(route))
    by_login = await ask(wanting_addresses, route, unverified.headers, an_item(route))

    if is_account:
        assert by_login.status_code not in {401, 403}, by_login.text
    else:
        assert (by_login.status_code, by_login.json()["code"]) == (403, "email-unverified")
    if GUARDED[route] not in KEY_SCOPES:
        assert (by_key.status_code, by_key.json()["code"]) == (403, "scope-missing")
    elif not is_account:
        assert (by_key.status_code, by_key.json()["code"]) == (403, "email-unverified")


@pytest.fixture(scope="module")
async def strangers(client: httpx.AsyncClient, api_database: str) -> dict[str, dict[str, str]]:
    """The headers of everybody who is nobody any more, and of who never was."""
    gone, over, deleted = [await log_in(client) for _ in range(3)]
    keys = {}
    for state in ("revoked", "expired", "of somebody deleted"):
        owner = deleted if state == "of somebody deleted" else over
        made = await client.post(
            "/api/v1/api-keys", json={"name": state, "scopes": list(_FOR_ALL)}, headers=owner.headers
        )
        keys[state] = made.json()
    with psycopg.connect(api_database, autocommit=True) as connection:
        ended = "update app.api_keys set expires_at = now() - interval '1 minute' where key_id = %s"
        connection.execute(ended, (keys["expired"]["key_id"],))
        connection.execute("update app.users set deleted_at = now() where user_id = %s", (deleted.user_id,))
    await client.delete(f"/api/v1/api-keys/{keys['revoked']['key_id']}", headers=over.headers)
    await client.post("/api/v1/auth/logout", headers=gone.headers)
    issuer = TokenIssuer(Secrets(JWT_SECRET), ApiOptions())
    expired = issuer.issue("access", UUID(over.user_id), uuid4(), clock.now() - timedelta(days=1))
    return {
        "anonymous": {},
        "logged out": gone.headers,
        "expired": {"Authorization": f"Bearer {expired}"},
        "deleted": deleted.headers,
        "with a refresh token": {"Authorization": f"Bearer {over.tokens['refresh_token']}"},
        **{f"key {state}": {"Authorization": f"Bearer {key['key']}"} for state, key in keys.items()},
    }


_FOR_ALL = [name for name in KEY_SCOPES if "user" in SCOPES[name].roles]


@pytest.mark.parametrize("route", GUARDED)
async def test_a_route_answers_nobody_who_is_not_logged_in(
    client: httpx.AsyncClient, strangers: dict[str, dict[str, str]], route: str
) -> None:
    for who, headers in strangers.items():
        answer = await ask(client, route, headers, an_item(route))

        known_by_now = who in {"key expired", "key of somebody deleted"}
        refused = {401, 403} if known_by_now else {401}
        assert answer.status_code in refused, (who, answer.text)


async def test_a_role_that_was_taken_away_is_gone_as_soon_as_the_api_hears_of_it(
    client: httpx.AsyncClient, api_database: str
) -> None:
    operator = await with_role(client, api_database, "operator")
    made = await client.post(
        "/api/v1/api-keys", json={"name": "x", "scopes": ["users:read"]}, headers=operator.headers
    )
    key = {"Authorization": f"Bearer {made.json()['key']}"}
    users = "/api/v1/admin/users?limit=1"

    async def asked() -> list[int]:
        return [(await client.get(users, headers=headers)).status_code for headers in (operator.headers, key)]

    before = await asked()

    give_role(api_database, operator, "user")

    async with asyncio.timeout(10):
        while (after := await asked()) != [403, 403]:
            pass
    assert [before, after] == [[200, 200], [403, 403]]
