"""Administration: accounts of others are seen and changed, and never what they recorded."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import psycopg
import pytest
from typer.testing import CliRunner

from aurora.cli import build
from aurora.notices.log import EVERYBODY
from aurora.settings import Settings
from tests.serving.conftest import PASSWORD, Account, log_in
from tests.serving.test_authorisation import give_role, with_role
from tests.serving.waiting import until_waiting

USERS = "/api/v1/admin/users"


@pytest.fixture
async def admin(client: httpx.AsyncClient, api_database: str) -> Account:
    return await with_role(client, api_database, "admin")


@pytest.fixture
def only_admins(api_database: str) -> None:
    """Whoever other tests made an administrator is none."""
    with psycopg.connect(api_database, autocommit=True) as connection:
        connection.execute("update app.users set role = 'user'")


async def test_accounts_are_found_by_role_and_name_and_tell_nothing_private(
    client: httpx.AsyncClient, admin: Account, ada: Account, api_database: str
) -> None:
    give_role(api_database, ada, "analyst")

    found = await client.get(
        USERS, headers=admin.headers, params={"username": ada.username, "role": "analyst"}
    )

    [account] = found.json()["items"]
    assert account["user_id"] == ada.user_id
    assert account["open_logins"] == 1
    assert account.keys() == {
        "user_id", "username", "role", "cohort", "created_at", "deleted_at", "open_logins", "api_keys",
        "requests_per_minute",
    }  # fmt: skip
    other = await client.get(USERS, headers=admin.headers, params={"username": ada.username, "role": "user"})
    assert other.json()["items"] == []


async def test_accounts_are_listed_page_by_page(client: httpx.AsyncClient, admin: Account) -> None:
    latest = [(await log_in(client)).user_id for _ in range(3)][::-1]

    first = (await client.get(USERS, headers=admin.headers, params={"limit": 2})).json()
    second = await client.get(
        USERS, headers=admin.headers, params={"limit": 2, "cursor": first["next_cursor"]}
    )

    assert [account["user_id"] for account in first["items"]] == latest[:2]
    assert second.json()["items"][0]["user_id"] == latest[2]


async def test_a_role_is_given_once_it_is_still_what_was_seen(
    client: httpx.AsyncClient, admin: Account, ada: Account
) -> None:
    path = f"{USERS}/{ada.user_id}"
    seen = (await client.get(path, headers=admin.headers)).headers["etag"]

    changed = await client.patch(path, json={"role": "operator"}, headers={**admin.headers, "If-Match": seen})
    late = await client.patch(path, json={"role": "admin"}, headers={**admin.headers, "If-Match": seen})

    assert changed.json()["role"] == "operator"
    assert late.status_code == 412
    assert (await client.get(USERS, headers=ada.headers)).status_code == 200


@pytest.mark.usefixtures("only_admins")
async def test_there_is_always_an_administrator(client: httpx.AsyncClient, api_database: str) -> None:
    first, second = [await with_role(client, api_database, "admin") for _ in range(2)]

    answers = await asyncio.gather(
        *(
            client.patch(f"{USERS}/{other.user_id}", json={"role": "user"}, headers=mine.headers)
            for mine, other in ((first, second), (second, first))
        )
    )

    assert sorted(answer.status_code for answer in answers) in ([200, 403], [200, 409])
    with psycopg.connect(api_database) as connection:
        [(left,)] = connection.execute("select count(*) from app.users where role = 'admin'").fetchall()
    assert left == 1


async def leave(client: httpx.AsyncClient, who: Account) -> httpx.Response:
    return await client.request(
        "DELETE", "/api/v1/auth/me", headers=who.headers, json={"current_password": PASSWORD}
    )


async def demote(client: httpx.AsyncClient, by: Account, whom: Account) -> httpx.Response:
    return await client.patch(f"{USERS}/{whom.user_id}", json={"role": "user"}, headers=by.headers)


def admins_left(url: str) -> int:
    with psycopg.connect(url) as connection:
        [(left,)] = connection.execute(
            "select count(*) from app.users where role = 'admin' and deleted_at is null"
        ).fetchall()
    return left


@pytest.mark.usefixtures("only_admins")
async def test_the_last_administrator_stays_until_there_is_another(
    client: httpx.AsyncClient, api_database: str
) -> None:
    first = await with_role(client, api_database, "admin")

    refused = await leave(client, first)

    assert (refused.status_code, refused.json()["code"]) == (409, "last-admin")
    assert (await client.get(USERS, headers=first.headers)).status_code == 200
    await with_role(client, api_database, "admin")
    assert (await leave(client, first)).status_code == 202
    assert admins_left(api_database) == 1


@pytest.mark.usefixtures("only_admins")
@pytest.mark.parametrize("other_is", ["leaving", "demoted"])
async def test_of_two_administrators_who_would_go_at_once_one_stays(
    client: httpx.AsyncClient, api_database: str, other_is: str
) -> None:
    first, second = [await with_role(client, api_database, "admin") for _ in range(2)]
    with psycopg.connect(api_database) as holding:
        holding.execute("select from app.users where role = 'admin' for update")
        going = [
            asyncio.create_task(leave(client, first)),
            asyncio.create_task(
                leave(client, second) if other_is == "leaving" else demote(client, first, second)
            ),
        ]
        await until_waiting(api_database, sessions=2)
    answers = await asyncio.gather(*going)

    assert [answer.json().get("code") for answer in answers].count("last-admin") == 1
    assert admins_left(api_database) == 1


async def test_an_account_that_was_taken_over_is_closed_keys_and_all(
    client: httpx.AsyncClient, admin: Account, ada: Account
) -> None:
    made = await client.post(
        "/api/v1/api-keys", json={"name": "x", "scopes": ["profile:read"]}, headers=ada.headers
    )
    key = {"Authorization": f"Bearer {made.json()['key']}"}
    before = [(await client.get("/api/v1/auth/me", headers=way)).status_code for way in (ada.headers, key)]

    closed = await client.delete(f"{USERS}/{ada.user_id}/sessions", headers=admin.headers)

    assert closed.status_code == 204
    after = [(await client.get("/api/v1/auth/me", headers=way)).status_code for way in (ada.headers, key)]
    assert [before, after] == [[200, 200], [401, 401]]


@pytest.mark.parametrize("body", [{}, {"role": "king"}, {"role": "user", "username": "x"}])
async def test_a_role_that_there_is_not_is_refused(
    client: httpx.AsyncClient, admin: Account, ada: Account, body: Any
) -> None:
    answer = await client.patch(f"{USERS}/{ada.user_id}", json=body, headers=admin.headers)

    assert answer.status_code == 422


async def test_an_announcement_stands_in_everybodys_line(
    client: httpx.AsyncClient, admin: Account, api_database: str
) -> None:
    told = await client.post(
        "/api/v1/admin/announcements", json={"text": "Maintenance at noon."}, headers=admin.headers
    )

    assert told.status_code == 201
    with psycopg.connect(api_database) as connection:
        [(body,)] = connection.execute(
            "select body::text from app.notices where user_id = %s and position = %s",
            (EVERYBODY, told.json()["position"]),
        ).fetchall()
    assert json.loads(body)["text"] == "Maintenance at noon."


async def test_the_first_administrator_comes_from_the_command_line(
    client: httpx.AsyncClient, ada: Account, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AURORA_POSTGRES_URL", settings.postgres_url)
    monkeypatch.setenv("AURORA_DATA_KEY", settings.data_key)

    given = CliRunner().invoke(build(), ["users", "set-role", ada.username, "admin"])
    unknown = CliRunner().invoke(build(), ["users", "set-role", "nobody-at-all", "admin"])

    assert given.exit_code == 0, given.output
    assert (await client.get(f"{USERS}/{ada.user_id}", headers=ada.headers)).json()["role"] == "admin"
    assert unknown.exit_code != 0


async def test_whoever_may_reads_which_models_answer(
    client: httpx.AsyncClient, admin: Account, api_database: str
) -> None:
    with psycopg.connect(api_database, autocommit=True) as connection:
        connection.execute(
            "insert into predictions.model_aliases (model_name, alias, model_version)"
            " values ('energy.study', 'champion', '3')"
        )
        connection.execute(
            "insert into predictions.model_alias_history (model_name, alias, model_version, reason, kind)"
            " values ('energy.study', 'champion', '3', 'won', 'gate')"
        )

    models = (await client.get("/api/v1/models", headers=admin.headers)).json()

    [model] = [model for model in models if model["cohort"] == "study"]
    assert (model["model_name"], model["model_version"], model["reason"]) == ("energy", "3", "won")


async def limit_told(client: httpx.AsyncClient, who: Account) -> str:
    answer = await client.get("/api/v1/auth/me", headers=who.headers)
    return answer.headers["ratelimit-policy"]


async def test_somebody_may_have_a_quota_of_their_own_and_loses_it_again(
    client: httpx.AsyncClient, admin: Account, ada: Account
) -> None:
    path = f"{USERS}/{ada.user_id}"
    assert "q=600" in await limit_told(client, ada)

    given = await client.patch(path, json={"requests_per_minute": 7}, headers=admin.headers)
    assert (given.json()["requests_per_minute"], given.json()["role"]) == (7, "user")
    await client.get("/api/v1/auth/me", headers=ada.headers)
    assert "q=7;" in await limit_told(client, ada)
    told = [(await client.get("/api/v1/auth/me", headers=ada.headers)).status_code for _ in range(8)]
    assert told[-1] == 429

    taken = await client.patch(path, json={"requests_per_minute": None}, headers=admin.headers)
    assert taken.json()["requests_per_minute"] is None
    assert "q=600" in await limit_told(client, ada)


@pytest.mark.parametrize("quota", [0, -1, True, "7", 1.5, 10**9])
async def test_a_quota_that_there_is_not_is_refused(
    client: httpx.AsyncClient, admin: Account, ada: Account, quota: object
) -> None:
    answer = await client.patch(
        f"{USERS}/{ada.user_id}", json={"requests_per_minute": quota}, headers=admin.headers
    )

    assert answer.status_code == 422
