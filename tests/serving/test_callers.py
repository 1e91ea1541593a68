"""Against which bucket a request counts, and whose."""

from __future__ import annotations

import uuid
from collections import Counter

import pytest
from fastapi import FastAPI
from starlette.types import Scope

from aurora.settings import Settings
from serving.app import create_app
from serving.middleware.rate_limiting import address_of
from tests.serving.conftest import PASSWORD, a_name, an_address, coming_from, log_in, quick, running

WHAT_IF = "/api/v1/predictions/what-if"
GUESS = "guess after guess"


async def guess(app: FastAPI, name: str, *, address: str, password: str = GUESS) -> int:
    body = {"username": name, "password": password}
    async with coming_from(address, app) as client:
        return (await client.post("/api/v1/auth/login", json=body)).status_code


@pytest.mark.parametrize(
    ("client", "whom"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("2001:db8:1:2::7", 1), "2001:db8:1:2::/64"),
        (("2001:DB8:1:2:ffff:ffff:ffff:ffff", 1), "2001:db8:1:2::/64"),
        (("2001:db8:1:3::7", 1), "2001:db8:1:3::/64"),
        (("fe80::7%eth0", 1), "fe80::/64"),
        (("::1", 1), "::/64"),
        (("::ffff:192.0.2.7", 1), "192.0.2.7"),
        (("::ffff:c000:207", 1), "192.0.2.7"),
        (("/run/aurora.sock", 1), "/run/aurora.sock"),
        (None, "unknown"),
    ],
)
def test_an_ipv6_address_counts_as_its_network_and_a_mapped_one_as_ipv4(
    client: tuple[str, int] | None, whom: str
) -> None:
    scope: Scope = {"type": "http", "client": client}

    assert address_of(scope) == whom


async def test_addresses_of_one_network_share_their_guesses(settings: Settings) -> None:
    app = create_app(settings, quick(login_per_minute=3))
    network = f"2001:db8:{uuid.uuid4().hex[:4]}:{uuid.uuid4().hex[:4]}"
    async with running(app):
        answers = [await guess(app, a_name(), address=f"{network}::{number:x}") for number in range(1, 21)]

    assert Counter(answers) == {401: 3, 429: 17}


async def test_one_account_is_guessed_at_no_faster_from_many_addresses(settings: Settings) -> None:
    app, taken = create_app(settings, quick(login_per_minute=3)), a_name()
    async with running(app) as client:
        wanted = {"username": taken, "password": PASSWORD, "tz": "Europe/Oslo"}
        assert (await client.post("/api/v1/auth/register", json=wanted)).status_code == 201
        answers = {
            name: [
                await guess(app, spelled, address=an_address())
                for spelled in (name, name.upper(), name, name, name)
            ]
            for name in (taken, a_name())
        }
        with_right_one = await guess(app, taken, address=an_address(), password=PASSWORD)

    # The same for a name that nobody has, and no word about who was right after that.
    assert list(answers.values()) == [[401, 401, 401, 429, 429]] * 2
    assert with_right_one == 429


async def test_the_current_password_is_guessed_at_no_faster_from_many_addresses(settings: Settings) -> None:
    app = create_app(settings, quick(login_per_minute=4))
    async with running(app) as client:
        ada = await log_in(client)  # which is one attempt
        answers = []
        for _ in range(5):
            async with coming_from(an_address(), app) as elsewhere:
                body = {"current_password": GUESS, "new_password": "another sentence"}
                answer = await elsewhere.post("/api/v1/auth/password", json=body, headers=ada.headers)
                answers.append(answer)

    assert [answer.status_code for answer in answers] == [422, 422, 422, 429, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 61


async def test_what_ifs_have_a_bucket_of_their_own_that_logins_and_keys_share(settings: Settings) -> None:
    async with running(create_app(settings, quick(ai_per_minute=2))) as client:
        ada = await log_in(client)
        wanted = {"name": "of a test", "scopes": ["predictions:read"]}
        key = (await client.post("/api/v1/api-keys", json=wanted, headers=ada.headers)).json()["key"]
        with_key = {"Authorization": f"Bearer {key}"}
        await client.get("/api/v1/predictions/energy", headers=with_key)  # now it is known whose it is

        asked = [
            await client.post(WHAT_IF, json={}, headers=headers)
            for headers in (ada.headers, with_key, ada.headers, with_key)
        ]
        other = await client.get("/api/v1/auth/me", headers=ada.headers)

    assert [answer.status_code == 429 for answer in asked] == [False, False, True, True]
    assert asked[0].headers["ratelimit-policy"] == '"ai";q=2;w=60'
    assert 1 <= int(asked[-1].headers["retry-after"]) <= 61
    assert (other.status_code, other.headers["ratelimit-policy"]) == (200, '"user";q=600;w=60')
