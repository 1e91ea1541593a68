"""The end of an account: closed at once, its name and address kept from others until the erasure is done."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from aurora.settings import Settings
from tests.serving.conftest import PASSWORD, Account, quick
from tests.serving.post_office import PostOffice, a_post_office, text_of, token_in

ADA = "ada@example.org"


async def delete(office: PostOffice, account: Account, password: str = PASSWORD) -> httpx.Response:
    return await office.client.request(
        "DELETE", "/api/v1/auth/me", json={"current_password": password}, headers=account.headers
    )


async def test_a_deleted_account_is_closed_at_once_on_all_its_logins(office: PostOffice) -> None:
    ada = await office.confirmed(ADA)
    phone = Account(ada.user_id, ada.username, (await office.log_in(ADA)).json())

    gone = await delete(office, ada)

    assert gone.status_code == 202, gone.text
    assert "erasure" in gone.json()["detail"]
    for account in (ada, phone):
        answer = await office.client.get("/api/v1/auth/me", headers=account.headers)
        assert answer.status_code == 401
    for name in (ada.username, ADA):
        assert (await office.log_in(name)).status_code == 401
    [told] = await office.deliver()
    assert (told["To"], "was deleted" in text_of(told)) == (ADA, True)


async def test_deleting_an_account_needs_its_password(office: PostOffice) -> None:
    ada = await office.register()

    refused = await delete(office, ada, "not the password")

    assert (refused.status_code, refused.json()["code"]) == (422, "password-wrong")
    assert (await office.me(ada))["username"] == ada.username


async def test_nobody_gets_the_name_or_the_address_of_a_deleted_account(office: PostOffice) -> None:
    ada = await office.confirmed(ADA)
    await delete(office, ada)
    await office.deliver()

    again = await office.post("register", username=ada.username, password=PASSWORD)
    await office.register(ADA)
    [message] = await office.deliver()
    confirmed = await office.post("email/confirm", token=token_in(message))

    assert (again.status_code, again.json()["code"]) == (409, "username-taken")
    assert (confirmed.status_code, confirmed.json()["code"]) == (409, "email-taken")


async def test_links_of_a_deleted_account_are_void_and_none_is_sent(office: PostOffice) -> None:
    ada = await office.confirmed(ADA)
    await office.post("password/forgotten", email=ADA)
    [message] = await office.deliver()
    await delete(office, ada)

    refused = await office.post("password/reset", token=token_in(message), new_password="a new sentence 1")
    await office.post("password/forgotten", email=ADA)

    assert refused.json()["code"] == "link-invalid"
    assert ["was deleted" in text_of(message) for message in await office.deliver()] == [True]
    assert office.execute("select count(*) from app.email_tokens where used_at is null") == [(0,)]


async def test_guessing_the_password_of_a_deletion_has_the_limit_of_logins(
    settings: Settings, committed_database: str, role_url: Callable[..., str]
) -> None:
    async with a_post_office(settings, committed_database, role_url, quick(login_per_minute=5)) as office:
        ada = await office.register()
        guesses = [(await delete(office, ada, f"guess number {n}")).status_code for n in range(4)]

    assert guesses == [422, 422, 422, 429]
