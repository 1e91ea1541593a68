"""E-mail addresses of accounts: wanted, confirmed, changed, and used to log in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from aurora.settings import Settings
from tests.serving.conftest import PASSWORD, an_event, log_in, quick
from tests.serving.live_server import Server
from tests.serving.post_office import PostOffice, a_post_office, text_of, token_in

ADA = "ada@example.org"


async def test_somebody_registers_confirms_their_address_and_logs_in_with_it(office: PostOffice) -> None:
    ada = await office.register("Ada@Example.org")
    assert (await office.log_in(ADA)).status_code == 401

    [message] = await office.deliver()
    confirmed = await office.post("email/confirm", token=token_in(message))

    assert confirmed.status_code == 204, confirmed.text
    assert (message["To"], message["Auto-Submitted"]) == ("Ada@example.org", "auto-generated")
    assert "48 hours" in text_of(message)
    login = await office.log_in(" ADA@example.ORG")
    assert login.status_code == 200, login.text
    account = await office.me(ada)
    assert (account["email"], account["email_verified"], account["email_wanted"]) == (
        "Ada@example.org", True, None,
    )  # fmt: skip


async def test_an_address_that_waits_is_shown_as_such(office: PostOffice) -> None:
    account = await office.me(await office.register(ADA))

    assert (account["email"], account["email_verified"], account["email_wanted"]) == (None, False, ADA)


async def test_an_address_lies_nowhere_in_the_database_in_words(office: PostOffice) -> None:
    await office.confirmed(ADA)
    await office.post("password/forgotten", email=ADA)

    for table in ("users", "email_tokens", "outgoing_emails"):
        rows = office.execute(f"select {table}::text from app.{table}")
        assert rows
        assert all("example" not in text and b"example".hex() not in text for (text,) in rows)


async def test_a_link_confirms_once(office: PostOffice) -> None:
    await office.register(ADA)
    [message] = await office.deliver()

    first, second = [await office.post("email/confirm", token=token_in(message)) for _ in range(2)]

    assert first.status_code == 204
    assert (second.status_code, second.json()["code"]) == (422, "link-invalid")


@pytest.mark.parametrize(
    "meanwhile",
    [
        "update app.email_tokens set expires_at = now()",
        "update app.email_tokens set purpose = 'reset'",
        "update app.users set deleted_at = now()",
        "delete from app.email_tokens",
    ],
)
async def test_a_link_that_has_ended_or_is_for_something_else_confirms_nothing(
    office: PostOffice, meanwhile: str
) -> None:
    await office.register(ADA)
    [message] = await office.deliver()

    office.execute(meanwhile)
    refused = await office.post("email/confirm", token=token_in(message))

    assert (refused.status_code, refused.json()["code"]) == (422, "link-invalid")
    assert office.execute("select email_hash from app.users") == [(None,)]


async def test_an_unconfirmed_address_does_not_keep_its_owner_from_it(office: PostOffice) -> None:
    await office.register(ADA)
    [to_a_stranger] = await office.deliver()
    owner = await office.confirmed(ADA)

    late = await office.post("email/confirm", token=token_in(to_a_stranger))

    assert (late.status_code, late.json()["code"]) == (409, "email-taken")
    assert (await office.me(owner))["email"] == ADA


async def test_of_two_accounts_that_confirm_one_address_at_once_one_gets_it(office: PostOffice) -> None:
    accounts = [await office.register(ADA) for _ in range(2)]
    tokens = [token_in(message) for message in await office.deliver()]

    answers = await asyncio.gather(*(office.post("email/confirm", token=token) for token in tokens))

    assert sorted(answer.status_code for answer in answers) == [204, 409]
    assert sorted([(await office.me(account))["email_verified"] for account in accounts]) == [False, True]


async def test_the_address_before_stays_in_use_and_is_told_until_the_new_one_is_confirmed(
    office: PostOffice,
) -> None:
    ada = await office.confirmed(ADA)

    wanted = await office.post("email", ada, email="new@example.org", current_password=PASSWORD)
    messages = {message["To"]: message for message in await office.deliver()}

    assert wanted.status_code == 202, wanted.text
    assert set(messages) == {ADA, "new@example.org"}
    assert "another e-mail address" in text_of(messages[ADA])
    assert (await office.log_in(ADA)).status_code == 200
    assert (await office.log_in("new@example.org")).status_code == 401
    await office.post("email/confirm", token=token_in(messages["new@example.org"]))
    assert (await office.log_in("new@example.org")).status_code == 200
    assert (await office.log_in(ADA)).status_code == 401


async def test_a_mistyped_address_cannot_be_confirmed_once_it_is_corrected(office: PostOffice) -> None:
    ada = await office.register("adda@example.org")
    [to_a_stranger] = await office.deliver()

    await office.post("email", ada, email=ADA, current_password=PASSWORD)
    refused = await office.post("email/confirm", token=token_in(to_a_stranger))

    assert refused.json()["code"] == "link-invalid"
    assert (await office.me(ada))["email_wanted"] == ADA


async def test_an_address_that_was_corrected_before_the_postman_came_gets_no_e_mail(
    office: PostOffice,
) -> None:
    ada = await office.register("adda@example.org")
    await office.post("email", ada, email=ADA, current_password=PASSWORD)

    assert [message["To"] for message in await office.deliver()] == [ADA]


async def test_links_to_the_address_before_are_void_when_the_new_one_is_confirmed(office: PostOffice) -> None:
    ada = await office.confirmed(ADA)
    await office.post("password/forgotten", email=ADA)
    [to_the_old] = await office.deliver()
    await office.post("email", ada, email="new@example.org", current_password=PASSWORD)
    [to_the_new] = [each for each in await office.deliver() if each["To"] == "new@example.org"]
    await office.post("email/confirm", token=token_in(to_the_new))

    refused = await office.post("password/reset", token=token_in(to_the_old), new_password="something else 1")

    assert refused.json()["code"] == "link-invalid"


async def test_to_want_the_address_that_one_has_takes_back_another_wish(office: PostOffice) -> None:
    ada = await office.confirmed(ADA)
    await office.post("email", ada, email="new@example.org", current_password=PASSWORD)

    wanted = await office.post("email", ada, email=ADA.upper(), current_password=PASSWORD)

    assert "yours already" in wanted.json()["detail"]
    account = await office.me(ada)
    assert (account["email"], account["email_wanted"]) == (ADA, None)


async def test_changing_the_address_needs_the_password(office: PostOffice) -> None:
    ada = await office.register()

    refused = await office.post("email", ada, email=ADA, current_password="not the password")

    assert (refused.status_code, refused.json()["code"]) == (422, "password-wrong")
    assert await office.deliver() == []


async def test_another_link_is_sent_and_both_work(office: PostOffice) -> None:
    ada = await office.register(ADA)
    again = await office.post("email/verification", ada)
    first, second = await office.deliver()

    assert again.status_code == 202
    assert token_in(first) != token_in(second)
    assert (await office.post("email/confirm", token=token_in(first))).status_code == 204


async def test_nothing_is_sent_again_where_no_address_waits(office: PostOffice) -> None:
    ada = await office.confirmed(ADA)

    refused = await office.post("email/verification", ada)

    assert (refused.status_code, refused.json()["code"]) == (409, "email-not-waiting")


@pytest.mark.parametrize(
    "address", ["a,b@example.org", "a@example.org\nBcc: b@example.org", "a@localhost", "é@x.org"]
)
async def test_an_address_that_no_e_mail_reaches_is_refused_without_repeating_it(
    office: PostOffice, address: str
) -> None:
    refused = await office.post("register", username="somebody", password=PASSWORD, email=address)

    assert refused.status_code == 422
    assert "example" not in refused.text
    assert "b@" not in refused.text


async def test_e_mails_to_one_address_are_limited_whoever_asks(
    settings: Settings, committed_database: str, role_url: Callable[..., str]
) -> None:
    async with a_post_office(settings, committed_database, role_url, quick(reset_per_minute=3)) as office:
        asked = [
            await office.post("register", username=f"somebody{n}", password=PASSWORD, email="x1@example.org")
            for n in range(5)
        ]

    assert [answer.status_code for answer in asked] == [201, 201, 201, 429, 429]


async def test_where_a_confirmed_address_is_wanted_nothing_but_the_account_is_open_without_one(
    settings: Settings, committed_database: str, role_url: Callable[..., str]
) -> None:
    options = quick(require_verified_email=True)
    async with a_post_office(settings, committed_database, role_url, options) as office:
        ada = await office.register(ADA)
        posted = {"json": an_event(), "headers": ada.headers}
        shut = [
            await office.client.post("/api/v1/events", **posted),
            await office.client.get("/api/v1/events", headers=ada.headers),
            await office.client.post("/api/v1/ws/tickets", headers=ada.headers),
            await office.client.post("/api/v1/events/batch", json={"events": []}, headers=ada.headers),
        ]
        [message] = await office.deliver()
        confirmed = await office.post("email/confirm", token=token_in(message))
        opened = await office.client.post("/api/v1/events", **posted)

    assert [(answer.status_code, answer.json()["code"]) for answer in shut] == 4 * [(403, "email-unverified")]
    assert confirmed.status_code == 204
    assert opened.status_code == 201


async def test_where_a_confirmed_address_is_wanted_no_socket_opens_without_one(settings: Settings) -> None:
    async with Server(settings, quick(require_verified_email=True)).run() as server:
        async with httpx.AsyncClient(base_url=server.url) as client:
            bo = await log_in(client)

        with pytest.raises(InvalidStatus) as refused:
            await server.socket(bo)

    assert refused.value.response.status_code == 403
