"""The account itself: profile, password, and the logins that are open."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from aurora.settings import Settings
from serving.app import create_app
from tests.serving.conftest import PASSWORD, Account, an_event, log_in, quick, running

ME = "/api/v1/auth/me"
SESSIONS = "/api/v1/auth/sessions"
NEW_PASSWORD = "another sentence that one remembers"


async def again(client: httpx.AsyncClient, of: Account, password: str = PASSWORD, app: str = "") -> Account:
    """The same person, logged in once more."""
    login = await client.post(
        "/api/v1/auth/login",
        json={"username": of.username, "password": password},
        headers={"User-Agent": app} if app else {},
    )
    assert login.status_code == 200, login.text
    return Account(of.user_id, of.username, login.json())


async def sessions(client: httpx.AsyncClient, of: Account, **parameters: Any) -> dict[str, Any]:
    answer = await client.get(SESSIONS, headers=of.headers, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def is_logged_in(client: httpx.AsyncClient, account: Account) -> bool:
    return (await client.get(ME, headers=account.headers)).status_code == 200


async def test_what_is_named_of_a_profile_changes_and_the_rest_stays(
    client: httpx.AsyncClient, ada: Account
) -> None:
    changed = await client.patch(
        ME,
        json={"display_name": "Ada", "units": "imperial", "scales": {"energy": {"worst": 1, "best": 5}}},
        headers=ada.headers,
    )
    assert changed.status_code == 200, changed.text
    moved = await client.patch(
        ME,
        json={"tz": "Europe/Lisbon", "scales": {"mood": {"worst": -3, "best": 3}, "energy": None}},
        headers=ada.headers,
    )

    assert moved.json() == (await client.get(ME, headers=ada.headers)).json()
    told = moved.json()
    assert (told["display_name"], told["units"], told["tz"]) == ("Ada", "imperial", "Europe/Lisbon")
    assert told["scales"] == {"mood": {"worst": -3, "best": 3}}
    nameless = await client.patch(ME, json={"display_name": None}, headers=ada.headers)
    assert nameless.json()["display_name"] is None


@pytest.mark.parametrize(
    "change",
    [
        {"tz": "Mars/Olympus"},
        {"tz": None},
        {"units": "furlongs"},
        {"scales": {"sleep": {"worst": 1, "best": 5}}},
        {"scales": {"energy": {"worst": 3, "best": 3}}},
        {"scales": {"energy": {"worst": "1", "best": 5}}},
        {"scales": {"energy": {"worst": 1, "best": 1e9}}},
        {"display_name": "\x00"},
        {"username": "somebody-else"},
        {"cohort": "simulated-seed7"},
        [],
    ],
)
async def test_a_profile_that_cannot_be_is_refused_and_nothing_changes(
    client: httpx.AsyncClient, ada: Account, change: Any
) -> None:
    before = (await client.get(ME, headers=ada.headers)).json()

    answer = await client.patch(ME, json=change, headers=ada.headers)

    assert answer.status_code == 422, answer.text
    assert (await client.get(ME, headers=ada.headers)).json() == before


async def test_days_of_events_follow_the_new_time_zone(client: httpx.AsyncClient, ada: Account) -> None:
    late = an_event(started_at=datetime(2026, 5, 4, 22, 30, tzinfo=UTC).isoformat())
    in_oslo = await client.post("/api/v1/events", json=late, headers=ada.headers)

    await client.patch(ME, json={"tz": "Europe/Lisbon"}, headers=ada.headers)
    in_lisbon = await client.post(
        "/api/v1/events", json=an_event(started_at=late["started_at"]), headers=ada.headers
    )

    assert in_oslo.json()["local_date"] == "2026-05-05"
    assert in_lisbon.json()["local_date"] == "2026-05-04"


async def test_a_profile_that_somebody_else_changed_meanwhile_is_left_alone(
    client: httpx.AsyncClient, ada: Account
) -> None:
    seen = (await client.get(ME, headers=ada.headers)).headers["etag"]
    of_phone = {**ada.headers, "If-Match": seen}

    first, second = [
        await client.patch(ME, json={"display_name": name}, headers=of_phone) for name in ("Ada", "Augusta")
    ]

    assert first.status_code == 200
    assert second.status_code == 412
    assert second.json()["code"] == "precondition-failed"
    assert (await client.get(ME, headers=ada.headers)).json()["display_name"] == "Ada"
    newest = {**ada.headers, "If-Match": f'"other", {first.headers["etag"]}'}
    assert (await client.patch(ME, json={"display_name": "A."}, headers=newest)).status_code == 200


async def test_of_many_changes_of_one_state_one_is_made(client: httpx.AsyncClient, ada: Account) -> None:
    seen = (await client.get(ME, headers=ada.headers)).headers["etag"]

    answers = await asyncio.gather(
        *(
            client.patch(ME, json={"display_name": f"Ada {n}"}, headers={**ada.headers, "If-Match": seen})
            for n in range(8)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [200] + 7 * [412]


async def test_an_account_that_has_not_changed_is_not_sent_again(
    client: httpx.AsyncClient, ada: Account
) -> None:
    first = await client.get(ME, headers=ada.headers)

    second = await client.get(ME, headers={**ada.headers, "If-None-Match": first.headers["etag"]})

    assert second.status_code == 304
    assert second.content == b""


async def test_open_logins_are_listed_with_what_logged_in(client: httpx.AsyncClient, ada: Account) -> None:
    phone = await again(client, ada, app="my-app/2.1 (iPhone)")
    renewed = await client.post("/api/v1/auth/refresh", json={"refresh_token": phone.tokens["refresh_token"]})
    phone = Account(ada.user_id, ada.username, renewed.json())

    listed = (await sessions(client, phone))["items"]

    assert [login["is_current"] for login in listed] == [True, False]
    assert listed[0]["user_agent"] == "my-app/2.1 (iPhone)"
    assert listed[0]["started_at"] < listed[0]["last_refreshed_at"] < listed[0]["expires_at"]
    assert listed[1]["started_at"] == listed[1]["last_refreshed_at"]


async def test_a_list_of_logins_is_read_page_by_page(client: httpx.AsyncClient, ada: Account) -> None:
    for _ in range(4):
        await again(client, ada)
    whole = [login["session_id"] for login in (await sessions(client, ada))["items"]]

    pages: list[str] = []
    cursor: str | None = None
    while True:
        page = await sessions(client, ada, limit=2, **({"cursor": cursor} if cursor else {}))
        pages += [login["session_id"] for login in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert len(whole) == 5
    assert pages == whole


async def test_a_lost_phone_is_logged_out_and_the_others_stay(
    client: httpx.AsyncClient, ada: Account
) -> None:
    phone = await again(client, ada)
    [session_id] = [
        login["session_id"] for login in (await sessions(client, phone))["items"] if login["is_current"]
    ]

    gone = await client.delete(f"{SESSIONS}/{session_id}", headers=ada.headers)

    assert gone.status_code == 204
    assert not await is_logged_in(client, phone)
    assert await is_logged_in(client, ada)
    twice = await client.delete(f"{SESSIONS}/{session_id}", headers=ada.headers)
    assert (twice.status_code, twice.json()["code"]) == (404, "session-not-found")


async def test_logins_of_somebody_else_are_not_there(client: httpx.AsyncClient, ada: Account) -> None:
    bea = await log_in(client)
    [hers] = [login["session_id"] for login in (await sessions(client, bea))["items"]]

    answer = await client.delete(f"{SESSIONS}/{hers}", headers=ada.headers)

    assert answer.status_code == 404
    assert await is_logged_in(client, bea)


@pytest.mark.parametrize("keeps_current", [True, False])
async def test_logging_out_everywhere(client: httpx.AsyncClient, ada: Account, keeps_current: bool) -> None:
    others = [await again(client, ada) for _ in range(2)]

    gone = await client.delete(SESSIONS, headers=ada.headers, params={"keep_current": keeps_current})

    assert gone.status_code == 204
    assert [await is_logged_in(client, other) for other in others] == [False, False]
    assert await is_logged_in(client, ada) is keeps_current


async def test_a_new_password_replaces_the_old_one_and_closes_the_other_logins(
    client: httpx.AsyncClient, ada: Account
) -> None:
    phone = await again(client, ada)

    changed = await client.post(
        "/api/v1/auth/password",
        json={"current_password": PASSWORD, "new_password": NEW_PASSWORD},
        headers=ada.headers,
    )

    assert changed.status_code == 204, changed.text
    assert await is_logged_in(client, ada)
    assert not await is_logged_in(client, phone)
    old = await client.post("/api/v1/auth/login", json={"username": ada.username, "password": PASSWORD})
    assert old.status_code == 401
    assert await is_logged_in(client, await again(client, ada, NEW_PASSWORD))


@pytest.mark.parametrize(
    ("current", "new", "code"),
    [
        ("not the password", NEW_PASSWORD, "password-wrong"),
        (PASSWORD, "short", "password-unacceptable"),
        (PASSWORD, "ø" * 37, "password-unacceptable"),
        ("x" * 1000, NEW_PASSWORD, "password-wrong"),
        ("", NEW_PASSWORD, "request-invalid"),
    ],
)
async def test_a_password_that_cannot_be_changed_stays(
    client: httpx.AsyncClient, ada: Account, current: str, new: str, code: str
) -> None:
    answer = await client.post(
        "/api/v1/auth/password",
        json={"current_password": current, "new_password": new},
        headers=ada.headers,
    )

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert new not in answer.text
    assert await is_logged_in(client, await again(client, ada))


async def test_of_two_changes_of_a_password_at_once_one_is_made(
    client: httpx.AsyncClient, ada: Account
) -> None:
    answers = await asyncio.gather(
        *(
            client.post(
                "/api/v1/auth/password",
                json={"current_password": PASSWORD, "new_password": f"{NEW_PASSWORD} {n}"},
                headers=ada.headers,
            )
            for n in range(2)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [204, 422]
    [winner] = [n for n, answer in enumerate(answers) if answer.status_code == 204]
    assert await is_logged_in(client, await again(client, ada, f"{NEW_PASSWORD} {winner}"))


async def test_guessing_the_current_password_has_the_limit_of_logins(settings: Settings) -> None:
    async with running(create_app(settings, quick(login_per_minute=4))) as client:
        ada = await log_in(client)

        guesses = [
            await client.post(
                "/api/v1/auth/password",
                json={"current_password": f"guess number {n}", "new_password": NEW_PASSWORD},
                headers=ada.headers,
            )
            for n in range(3)
        ]

    assert [guess.status_code for guess in guesses] == [422, 422, 429]
