"""Accounts and sessions: register, log in, refresh, log out, and every way in that must stay shut."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import psycopg
import pytest

from aurora import clock
from aurora.settings import Settings
from serving.app import create_app
from tests.serving.conftest import JWT_SECRET, PASSWORD, Account, a_name, log_in, quick, running


async def me(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})


async def test_somebody_registers_logs_in_and_reads_their_account(
    client: httpx.AsyncClient, ada: Account
) -> None:
    account = (await client.get("/api/v1/auth/me", headers=ada.headers)).json()

    assert account["username"] == ada.username
    assert account["user_id"] == ada.user_id
    assert account["tz"] == "Europe/Oslo"
    assert account["cohort"] == "real"
    assert ada.tokens["token_type"] == "Bearer"
    assert ada.tokens["expires_in"] == 1800
    assert ada.tokens["refresh_expires_in"] == 7 * 86400


async def test_an_email_is_stored_encrypted_and_read_back_by_its_owner(
    client: httpx.AsyncClient, api_database: str
) -> None:
    bea = a_name()
    body = {"username": bea, "password": PASSWORD, "email": "bea@example.org"}
    assert (await client.post("/api/v1/auth/register", json=body)).status_code == 201
    tokens = (
        await client.post("/api/v1/auth/login", json={"username": bea.upper(), "password": PASSWORD})
    ).json()

    with psycopg.connect(api_database) as connection:
        row = connection.execute(
            "select email_wanted_ciphertext from app.users where username = %s", (bea,)
        ).fetchone()

    assert row is not None
    assert b"example" not in bytes(row[0])
    assert (await me(client, tokens["access_token"])).json()["email_wanted"] == "bea@example.org"


async def test_a_taken_user_name_is_a_conflict(client: httpx.AsyncClient, ada: Account) -> None:
    answer = await client.post(
        "/api/v1/auth/register", json={"username": ada.username.upper(), "password": PASSWORD}
    )

    assert answer.status_code == 409
    assert answer.json()["code"] == "username-taken"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"username": "ada", "password": "short"}, 422, "at least 8"),
        ({"username": "ada", "password": "ø" * 37}, 422, "72 bytes"),
        ({"username": "ada", "password": "aaaaaaaaaaaa"}, 422, "easy to guess"),
        ({"username": "ada", "password": PASSWORD, "tz": "Mars/Olympus"}, 422, "IANA"),
        ({"username": "a b", "password": PASSWORD}, 422, "not valid"),
        ({"username": "ada", "password": PASSWORD, "role": "admin"}, 422, "not valid"),
        ({"username": "ada"}, 422, "not valid"),
        ({"username": "ada", "password": PASSWORD, "email": "no address"}, 422, "not valid"),
    ],
)
async def test_a_registration_that_cannot_be_is_refused_in_words(
    client: httpx.AsyncClient, body: dict[str, Any], status: int, words: str
) -> None:
    answer = await client.post("/api/v1/auth/register", json=body)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]
    assert body.get("password", "?") not in answer.text


async def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(
    client: httpx.AsyncClient, ada: Account
) -> None:
    wrong_password, wrong_name = [
        await client.post("/api/v1/auth/login", json={"username": name, "password": "not the password"})
        for name in (ada.username, "nobody")
    ]

    assert wrong_password.status_code == wrong_name.status_code == 401
    assert wrong_password.json() | {"request_id": 0} == wrong_name.json() | {"request_id": 0}


async def test_a_person_without_a_password_cannot_log_in(
    client: httpx.AsyncClient, api_database: str
) -> None:
    with psycopg.connect(api_database) as connection:
        connection.execute(
            "insert into app.users (user_id, username, data_key_ciphertext)"
            " values (gen_random_uuid(), 'sim', '')"
        )

    answer = await client.post("/api/v1/auth/login", json={"username": "sim", "password": "nobody's"})

    assert answer.status_code == 401


async def test_a_refresh_token_gives_the_next_pair_once(client: httpx.AsyncClient, ada: Account) -> None:
    body = {"refresh_token": ada.tokens["refresh_token"]}

    renewed = await client.post("/api/v1/auth/refresh", json=body)

    assert renewed.status_code == 200
    assert (await me(client, renewed.json()["access_token"])).status_code == 200
    assert renewed.json()["refresh_token"] != ada.tokens["refresh_token"]


async def test_of_many_simultaneous_refreshes_one_wins_and_the_others_do_no_harm(
    client: httpx.AsyncClient, ada: Account
) -> None:
    body = {"refresh_token": ada.tokens["refresh_token"]}

    answers = await asyncio.gather(*(client.post("/api/v1/auth/refresh", json=body) for _ in range(50)))

    won = [answer for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    assert {answer.status_code for answer in answers} == {200, 401}
    assert (await me(client, won[0].json()["access_token"])).status_code == 200


async def test_a_refresh_token_used_again_later_closes_the_whole_login(settings: Settings) -> None:
    async with running(create_app(settings, quick(refresh_grace_seconds=0))) as client:
        ada = await log_in(client)
        body = {"refresh_token": ada.tokens["refresh_token"]}
        renewed = (await client.post("/api/v1/auth/refresh", json=body)).json()

        reused = await client.post("/api/v1/auth/refresh", json=body)

        assert reused.status_code == 401
        assert reused.json()["code"] == "token-reused"
        assert (await me(client, renewed["access_token"])).status_code == 401
        assert (await me(client, ada.tokens["access_token"])).status_code == 401
        again = await client.post("/api/v1/auth/refresh", json={"refresh_token": renewed["refresh_token"]})
        assert again.status_code == 401


@pytest.mark.parametrize(
    ("seconds_later", "code", "stays_open"),
    [(9.9, "token-invalid", True), (10.0, "token-invalid", True), (10.1, "token-reused", False)],
)
async def test_a_twin_does_no_harm_for_ten_seconds(
    client: httpx.AsyncClient,
    ada: Account,
    monkeypatch: pytest.MonkeyPatch,
    seconds_later: float,
    code: str,
    stays_open: bool,
) -> None:
    body = {"refresh_token": ada.tokens["refresh_token"]}
    refreshed_at = clock.now()
    monkeypatch.setattr(clock, "now", lambda: refreshed_at)
    renewed = (await client.post("/api/v1/auth/refresh", json=body)).json()

    monkeypatch.setattr(clock, "now", lambda: refreshed_at + timedelta(seconds=seconds_later))
    twin = await client.post("/api/v1/auth/refresh", json=body)

    assert (twin.status_code, twin.json()["code"]) == (401, code)
    for token in (renewed["access_token"], ada.tokens["access_token"]):
        assert (await me(client, token)).status_code == (200 if stays_open else 401)


async def test_after_logout_no_token_of_the_login_is_worth_anything(
    client: httpx.AsyncClient, ada: Account
) -> None:
    other = (
        await client.post("/api/v1/auth/login", json={"username": ada.username, "password": PASSWORD})
    ).json()

    gone = await client.post("/api/v1/auth/logout", headers=ada.headers)

    assert gone.status_code == 204
    assert (await me(client, ada.tokens["access_token"])).status_code == 401
    refresh = await client.post("/api/v1/auth/refresh", json={"refresh_token": ada.tokens["refresh_token"]})
    assert refresh.status_code == 401
    assert (await me(client, other["access_token"])).status_code == 200


async def test_refresh_tokens_are_stored_as_hashes_only(
    client: httpx.AsyncClient, ada: Account, api_database: str
) -> None:
    with psycopg.connect(api_database) as connection:
        rows = connection.execute(
            "select sessions::text from app.sessions where user_id = %s", (ada.user_id,)
        ).fetchall()

    assert len(rows) == 1
    assert ada.tokens["refresh_token"] not in rows[0][0]


def forged(token: str, secret: str = JWT_SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    claims = jwt.decode(token, options={"verify_signature": False}) | changes
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, secret, algorithm=algorithm)


def unsigned(token: str) -> str:
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).decode().rstrip("=")
    return ".".join([header, token.split(".")[1], ""])


def last_letter_changed(token: str) -> str:
    """The same bytes by another name: the last of 43 letters has two spare bits."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) + 1]


PAST = datetime.now(UTC) - timedelta(hours=1)


@pytest.mark.parametrize(
    "attack",
    [
        unsigned,
        lambda token: unsigned(token) + "x",
        lambda token: forged(token, secret="another secret, which is long enough too"),
        lambda token: forged(token, algorithm="HS512"),
        lambda token: forged(token, typ="refresh"),
        lambda token: forged(token, aud="another-api"),
        lambda token: forged(token, aud=None),
        lambda token: forged(token, iss="somebody"),
        lambda token: forged(token, exp=PAST),
        lambda token: forged(token, exp=None),
        lambda token: forged(token, jti=None),
        lambda token: forged(token, sub="ada"),
        lambda token: forged(token, sub=7),
        lambda token: forged(token, sid="00000000-0000-0000-0000-000000000000"),
        lambda token: forged(token, sub="00000000-0000-0000-0000-000000000000"),
        lambda token: token + "=",
        last_letter_changed,
        lambda token: token + ".x",
        lambda _: "x",
        lambda _: "a.b.c",
        lambda _: "a" * 100_000,
        lambda _: "ø",
    ],
)
async def test_no_forged_token_is_accepted(client: httpx.AsyncClient, ada: Account, attack: Any) -> None:
    token = attack(ada.tokens["access_token"])

    answer = await client.get("/api/v1/auth/me", headers={b"Authorization": b"Bearer " + token.encode()})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_each_kind_of_token_is_good_for_one_thing(client: httpx.AsyncClient, ada: Account) -> None:
    refresh = ada.tokens["refresh_token"]
    access = ada.tokens["access_token"]

    assert (await me(client, refresh)).status_code == 401
    answer = await client.post("/api/v1/auth/refresh", json={"refresh_token": access})
    assert answer.status_code == 401


async def test_without_a_token_the_answer_says_how_to_get_one(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/auth/me")

    assert answer.status_code == 401
    assert "/api/v1/auth/login" in answer.json()["detail"]
    assert answer.json()["code"] == "token-missing"
