"""API keys: made once, good for what they were made for, and worth nothing as soon as they are revoked."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from websockets.exceptions import InvalidStatus

from aurora.settings import Settings
from serving.app import create_app
from serving.auth.keys import PREFIX
from tests.serving.conftest import NOWHERE, Account, an_event, log_in, quick, running, until_refused
from tests.serving.live_server import Server, hear, hear_until_closed

KEYS = "/api/v1/api-keys"
ME = "/api/v1/auth/me"
EVENTS = "/api/v1/events"


async def make_key(
    client: httpx.AsyncClient, of: Account, *scopes: str, name: str = "scale", **more: Any
) -> dict[str, Any]:
    wanted = {"name": name, "scopes": list(scopes) or ["profile:read"], **more}
    answer = await client.post(KEYS, json=wanted, headers=of.headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def bearing(key: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {key['key']}"}


async def status(client: httpx.AsyncClient, path: str, key: dict[str, Any]) -> int:
    return (await client.get(path, headers=bearing(key))).status_code


def age(url: str, key: dict[str, Any]) -> None:
    """The key had its time."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "update app.api_keys set expires_at = now() - interval '1 second' where key_id = %s",
            (key["key_id"],),
        )


async def test_a_key_is_shown_once_and_stored_nowhere(
    client: httpx.AsyncClient, ada: Account, api_database: str
) -> None:
    made = await make_key(client, ada, "events:write", "events:read", name="bathroom scale")

    [listed] = (await client.get(KEYS, headers=ada.headers)).json()["items"]
    assert made["key"].startswith(PREFIX)
    assert listed == {name: value for name, value in made.items() if name != "key"}
    assert listed["scopes"] == ["events:read", "events:write"]
    assert made["key"].startswith(listed["prefix"])
    assert len(listed["prefix"]) < 20
    with psycopg.connect(api_database) as connection:
        [(stored,)] = connection.execute(
            "select api_keys::text from app.api_keys where key_id = %s", (made["key_id"],)
        ).fetchall()
    assert made["key"] not in stored


async def test_a_key_does_what_it_was_made_for_and_nothing_else(
    client: httpx.AsyncClient, ada: Account
) -> None:
    writer = await make_key(client, ada, "events:write")

    posted = await client.post(EVENTS, json=an_event(), headers=bearing(writer))
    many = await client.post(f"{EVENTS}/batch", json={"events": [an_event()]}, headers=bearing(writer))
    read = await client.get(EVENTS, headers=bearing(writer))

    assert posted.status_code == 201, posted.text
    assert many.json()["counts"] == {"accepted": 1}
    assert read.status_code == 403
    assert read.json()["code"] == "scope-missing"
    assert "events:read" in read.json()["detail"]
    assert len((await client.get(EVENTS, headers=ada.headers)).json()["items"]) == 2


async def test_what_a_key_may_not_write_is_not_written(client: httpx.AsyncClient, ada: Account) -> None:
    reader = await make_key(client, ada, "events:read")

    posted = await client.post(EVENTS, json=an_event(), headers=bearing(reader))
    many = await client.post(f"{EVENTS}/batch", json={"events": [an_event()]}, headers=bearing(reader))

    assert [posted.status_code, many.status_code] == [403, 403]
    assert (await client.get(EVENTS, headers=bearing(reader))).json()["items"] == []


async def test_a_key_makes_no_keys_and_closes_no_logins(client: httpx.AsyncClient, ada: Account) -> None:
    key = await make_key(client, ada, "profile:write")

    made = await client.post(KEYS, json={"name": "more", "scopes": ["events:read"]}, headers=bearing(key))
    closed = await client.delete("/api/v1/auth/sessions", headers=bearing(key))

    assert [made.status_code, closed.status_code] == [403, 403]
    assert "log in" in made.json()["detail"]


async def test_a_revoked_key_is_worth_nothing_at_once_on_every_worker(
    client: httpx.AsyncClient, ada: Account, settings: Settings
) -> None:
    key = await make_key(client, ada, "profile:read", "events:write")
    async with running(create_app(settings, quick())) as other:
        assert [await status(worker, ME, key) for worker in (client, other)] == [200, 200]

        revoked = await client.delete(f"{KEYS}/{key['key_id']}", headers=ada.headers)

        assert revoked.status_code == 204
        assert await status(client, ME, key) == 401
        await until_refused(other, bearing(key))
        posted = await other.post(EVENTS, json=an_event(), headers=bearing(key))
        assert posted.status_code == 401
    assert (await client.get(KEYS, headers=ada.headers)).json()["items"] == []
    again = await client.delete(f"{KEYS}/{key['key_id']}", headers=ada.headers)
    assert again.status_code == 404


async def test_a_key_ends_when_it_said_it_would(
    client: httpx.AsyncClient, ada: Account, settings: Settings, api_database: str
) -> None:
    key = await make_key(client, ada, "profile:read", expires_in_days=7)
    assert datetime.fromisoformat(key["expires_at"]) - datetime.now(UTC) > timedelta(days=6, hours=23)
    assert await status(client, ME, key) == 200

    age(api_database, key)

    await until_refused(client, bearing(key))
    async with running(create_app(settings, quick())) as other:
        assert await status(other, ME, key) == 401


async def test_the_keys_of_others_are_not_there(client: httpx.AsyncClient, ada: Account) -> None:
    key, bea = await make_key(client, ada), await log_in(client)

    answer = await client.delete(f"{KEYS}/{key['key_id']}", headers=bea.headers)

    assert answer.status_code == 404
    assert (await client.get(KEYS, headers=bea.headers)).json()["items"] == []
    assert await status(client, ME, key) == 200


@pytest.mark.parametrize(
    "wanted",
    [
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["account"]},
        {"name": "x", "scopes": ["users:write"]},
        {"name": "x", "scopes": ["everything"]},
        {"name": "", "scopes": ["events:read"]},
        {"name": "x", "scopes": ["events:read"], "expires_in_days": 0},
        {"name": "x", "scopes": ["events:read"], "expires_in_days": True},
        {"name": "x", "scopes": ["events:read"], "expires_in_days": 10_000},
        {"name": "x", "scopes": ["events:read"], "key": PREFIX + "mine"},
    ],
)
async def test_a_key_that_cannot_be_is_not_made(client: httpx.AsyncClient, ada: Account, wanted: Any) -> None:
    answer = await client.post(KEYS, json=wanted, headers=ada.headers)

    assert answer.status_code == 422, answer.text
    assert (await client.get(KEYS, headers=ada.headers)).json()["items"] == []


async def test_a_key_gives_no_more_than_its_persons_role(client: httpx.AsyncClient, ada: Account) -> None:
    answer = await client.post(KEYS, json={"name": "x", "scopes": ["users:read"]}, headers=ada.headers)

    assert answer.status_code == 403
    assert answer.json()["code"] == "role-missing"


async def test_nobody_has_more_keys_than_may_be_even_when_they_are_made_at_once(settings: Settings) -> None:
    async with running(create_app(settings, quick(keys_per_person=3))) as client:
        ada = await log_in(client)

        answers = await asyncio.gather(
            *(
                client.post(KEYS, json={"name": f"{n}", "scopes": ["events:read"]}, headers=ada.headers)
                for n in range(6)
            )
        )

        assert sorted(answer.status_code for answer in answers) == [201, 201, 201, 409, 409, 409]
        [first, *_] = (await client.get(KEYS, headers=ada.headers)).json()["items"]
        await client.delete(f"{KEYS}/{first['key_id']}", headers=ada.headers)
        assert (await make_key(client, ada))["key_id"]


async def test_keys_are_listed_page_by_page(client: httpx.AsyncClient, ada: Account) -> None:
    made = [(await make_key(client, ada, name=f"{n}"))["key_id"] for n in range(5)]

    seen: list[str] = []
    parameters: dict[str, Any] = {"limit": 2}
    while True:
        page = (await client.get(KEYS, headers=ada.headers, params=parameters)).json()
        seen += [key["key_id"] for key in page["items"]]
        if page["next_cursor"] is None:
            break
        parameters["cursor"] = page["next_cursor"]

    assert seen == made[::-1]


async def test_it_is_known_when_a_key_was_last_used(settings: Settings) -> None:
    app = create_app(settings, quick())
    async with running(app) as client:
        ada = await log_in(client)
        used, unused = await make_key(client, ada), await make_key(client, ada)
        before = datetime.now(UTC)
        assert await status(client, ME, used) == 200

        await app.state.resources.keys.note_uses()

        listed = (await client.get(KEYS, headers=ada.headers)).json()["items"]
        last = {key["key_id"]: key["last_used_at"] for key in listed}
        assert datetime.fromisoformat(last[used["key_id"]]) >= before
        assert last[unused["key_id"]] is None


async def test_uses_that_could_not_be_written_down_are_written_later(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(settings, quick())
    async with running(app) as client:
        ada = await log_in(client)
        key = await make_key(client, ada)
        assert await status(client, ME, key) == 200
        keys = app.state.resources.keys
        with monkeypatch.context() as away:
            away.setattr(keys, "_database", create_app(settings, quick()).state.resources.database)
            with pytest.raises(psycopg.Error):
                await keys.note_uses()

        await keys.note_uses()

        [listed] = (await client.get(KEYS, headers=ada.headers)).json()["items"]
        assert listed["last_used_at"] is not None


async def test_keys_cannot_be_tried_out_faster_than_a_stranger_may_come(settings: Settings) -> None:
    async with running(create_app(settings, quick(anonymous_per_minute=5))) as client:
        answers = [
            (await client.get(ME, headers={"Authorization": f"Bearer {PREFIX}{n:043}"})).status_code
            for n in range(8)
        ]

    assert answers == 5 * [401] + 3 * [429]


async def test_all_keys_of_a_person_share_one_allowance(settings: Settings) -> None:
    async with running(create_app(settings, quick(key_per_minute=4))) as client:
        ada = await log_in(client)
        first, second = await make_key(client, ada), await make_key(client, ada)
        for key in (first, second):
            assert await status(client, ME, key) == 200  # counted as a stranger's: nobody knew the key yet

        answers = [await status(client, ME, key) for key in 3 * (first, second)]

        assert answers == 4 * [200] + 2 * [429]
        assert (await client.get(ME, headers=ada.headers)).status_code == 200


async def test_keys_work_without_redis(settings: Settings) -> None:
    async with running(create_app(settings.model_copy(update={"redis_url": NOWHERE}), quick())) as client:
        ada = await log_in(client)
        key = await make_key(client, ada, "events:write")

        posted = await client.post(EVENTS, json=an_event(), headers=bearing(key))

    assert posted.status_code == 201


async def test_a_program_hears_what_is_new_until_its_key_is_revoked(settings: Settings) -> None:
    async with (
        Server(settings, quick(heartbeat_seconds=0.2)).run() as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        ada = await log_in(client)
        listener = await make_key(client, ada, "live:read", expires_in_days=None)
        writer = await make_key(client, ada, "events:write")
        with pytest.raises(InvalidStatus) as refused:
            await server.socket(Account(ada.user_id, ada.username, {"access_token": writer["key"]}))
        async with server.socket(
            Account(ada.user_id, ada.username, {"access_token": listener["key"]})
        ) as socket:
            welcome = await hear(socket)

            await client.delete(f"{KEYS}/{listener['key_id']}", headers=ada.headers)
            await hear_until_closed(socket)

    assert refused.value.response.status_code == 403
    assert welcome["type"] == "welcome"
    assert socket.close_code == 4401
