"""The trail on the API: one's own activity, and everybody's for who may audit."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.serving.conftest import Account, log_in
from tests.serving.test_authorisation import with_role

ACTIVITY = "/api/v1/auth/activity"
AUDIT = "/api/v1/admin/audit"
ME = "/api/v1/auth/me"


@pytest.fixture
async def admin(client: httpx.AsyncClient, api_database: str) -> Account:
    return await with_role(client, api_database, "admin")


async def read(client: httpx.AsyncClient, path: str, who: Account, **query: Any) -> dict[str, Any]:
    answer = await client.get(path, params=query, headers=who.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_person_reads_what_was_done_to_their_account_and_to_no_other(
    client: httpx.AsyncClient, ada: Account
) -> None:
    bea = await log_in(client)
    await client.patch(ME, json={"display_name": "Ada"}, headers=ada.headers)
    [login] = (await client.get("/api/v1/auth/sessions", headers=ada.headers)).json()["items"]

    items = (await read(client, ACTIVITY, ada))["items"]

    assert [item["action"] for item in items] == ["profile.changed", "session.opened", "account.registered"]
    assert [item["by"] for item in items] == ["login", "login", "visitor"]
    assert items[0]["session_id"] == login["session_id"] == items[1]["subject_id"]
    assert items[0]["means"].endswith(".")
    assert len((await read(client, ACTIVITY, bea))["items"]) == 2


async def test_a_person_sees_which_key_did_it(client: httpx.AsyncClient, ada: Account) -> None:
    made = await client.post(
        "/api/v1/api-keys", json={"name": "x", "scopes": ["profile:write"]}, headers=ada.headers
    )
    key = {"Authorization": f"Bearer {made.json()['key']}"}
    await client.patch(ME, json={"display_name": "Ada"}, headers=key)

    [latest, *_] = (await read(client, ACTIVITY, ada))["items"]

    assert (latest["by"], latest["key_id"], latest["session_id"]) == ("key", made.json()["key_id"], None)


async def test_a_person_is_told_that_an_administrator_did_it_and_not_which(
    client: httpx.AsyncClient, ada: Account, admin: Account
) -> None:
    await client.patch(f"/api/v1/admin/users/{ada.user_id}", json={"role": "analyst"}, headers=admin.headers)

    answer = await client.get(ACTIVITY, headers=ada.headers)

    [latest, *_] = answer.json()["items"]
    assert (latest["action"], latest["by"]) == ("role.given", "administrator")
    assert admin.user_id not in answer.text


async def test_activity_comes_page_by_page(client: httpx.AsyncClient, ada: Account) -> None:
    for name in ("a", "b", "c"):
        await client.patch(ME, json={"display_name": name}, headers=ada.headers)
    whole = (await read(client, ACTIVITY, ada))["items"]

    first = await read(client, ACTIVITY, ada, limit=3)
    second = await read(client, ACTIVITY, ada, limit=3, cursor=first["next_cursor"])

    assert first["items"] + second["items"] == whole
    assert (len(whole), second["next_cursor"]) == (5, None)


async def test_who_may_audit_finds_rows_by_actor_person_action_and_time(
    client: httpx.AsyncClient, ada: Account, admin: Account
) -> None:
    await client.patch(f"/api/v1/admin/users/{ada.user_id}", json={"role": "analyst"}, headers=admin.headers)
    [row] = (await read(client, AUDIT, admin, actor_id=admin.user_id, action="role.given"))["items"]

    assert (row["subject_user_id"], row["actor_kind"]) == (ada.user_id, "login")
    assert len(row["before_hash"]) == len(row["after_hash"]) == 64
    of_ada = (await read(client, AUDIT, admin, subject_user_id=ada.user_id))["items"]
    assert [each["action"] for each in of_ada] == ["role.given", "session.opened", "account.registered"]
    since = (await read(client, AUDIT, admin, subject_user_id=ada.user_id, since=row["at"]))["items"]
    assert since == [row]


@pytest.mark.parametrize(
    "query",
    [{"action": "role.stolen"}, {"actor_id": "ada"}, {"since": "2026-01-01T00:00:00"}, {"cursor": "x"}],
)
async def test_a_filter_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, admin: Account, query: dict[str, str]
) -> None:
    answer = await client.get(AUDIT, params=query, headers=admin.headers)

    assert answer.status_code in {400, 422}, answer.text
