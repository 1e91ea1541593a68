"""Forgotten passwords: a link to a confirmed address, and nothing that tells who has one."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

import httpx
import pytest

from aurora.settings import Settings
from tests.serving.conftest import PASSWORD, quick
from tests.serving.post_office import PostOffice, a_post_office, text_of, token_in

ADA = "ada@example.org"
NOBODY = "nobody@example.org"
NEW_PASSWORD = "another sentence that one remembers"
ROUNDS = 40


async def forgotten(office: PostOffice) -> str:
    """The token of a link that Ada was sent."""
    asked = await office.post("password/forgotten", email=ADA)
    assert asked.status_code == 202, asked.text
    [message] = await office.deliver()
    return token_in(message)


async def test_a_forgotten_password_is_replaced_and_all_logins_are_closed(office: PostOffice) -> None:
    ada = await office.confirmed(ADA)
    token = await forgotten(office)

    changed = await office.post("password/reset", token=token, new_password=NEW_PASSWORD)

    assert changed.status_code == 204, changed.text
    assert (await office.client.get("/api/v1/auth/me", headers=ada.headers)).status_code == 401
    assert (await office.post("refresh", refresh_token=ada.tokens["refresh_token"])).status_code == 401
    assert (await office.log_in(ada.username)).status_code == 401
    assert (await office.log_in(ADA, NEW_PASSWORD)).status_code == 200
    [told] = await office.deliver()
    assert "was changed" in text_of(told)


async def test_a_link_changes_a_password_once(office: PostOffice) -> None:
    await office.confirmed(ADA)
    token = await forgotten(office)

    answers = await asyncio.gather(
        *(office.post("password/reset", token=token, new_password=f"{NEW_PASSWORD} {n}") for n in range(3))
    )

    assert sorted(answer.status_code for answer in answers) == [204, 422, 422]
    [winner] = [n for n, answer in enumerate(answers) if answer.status_code == 204]
    assert (await office.log_in(ADA, f"{NEW_PASSWORD} {winner}")).status_code == 200


@pytest.mark.parametrize(
    "meanwhile",
    [
        "update app.email_tokens set expires_at = now() where purpose = 'reset'",
        "update app.email_tokens set purpose = 'verify'",
        "update app.users set deleted_at = now()",
        "delete from app.email_tokens",
    ],
)
async def test_a_link_that_has_ended_or_is_for_something_else_changes_nothing(
    office: PostOffice, meanwhile: str
) -> None:
    await office.confirmed(ADA)
    token = await forgotten(office)
    before = office.execute("select password_hash from app.users")

    office.execute(meanwhile)
    refused = await office.post("password/reset", token=token, new_password=NEW_PASSWORD)

    assert (refused.status_code, refused.json()["code"]) == (422, "link-invalid")
    assert office.execute("select password_hash from app.users") == before


async def test_a_link_to_confirm_an_address_changes_no_password(office: PostOffice) -> None:
    await office.register(ADA)
    [message] = await office.deliver()

    refused = await office.post("password/reset", token=token_in(message), new_password=NEW_PASSWORD)

    assert refused.json()["code"] == "link-invalid"


async def test_a_password_that_will_not_do_leaves_the_link_as_it_is(office: PostOffice) -> None:
    await office.confirmed(ADA)
    token = await forgotten(office)

    refused = await office.post("password/reset", token=token, new_password="short")

    assert (refused.status_code, refused.json()["code"]) == (422, "password-unacceptable")
    assert (await office.post("password/reset", token=token, new_password=NEW_PASSWORD)).status_code == 204


async def test_a_password_that_was_changed_makes_the_links_void(office: PostOffice) -> None:
    ada = await office.confirmed(ADA)
    token = await forgotten(office)
    await office.post("password", ada, current_password=PASSWORD, new_password=NEW_PASSWORD)

    refused = await office.post("password/reset", token=token, new_password="a third sentence, longer")

    assert refused.json()["code"] == "link-invalid"


async def test_an_address_that_was_not_confirmed_gets_no_link(office: PostOffice) -> None:
    await office.register(ADA)
    await office.deliver()

    await office.post("password/forgotten", email=ADA)

    assert await office.deliver() == []
    assert office.execute("select count(*) from app.outgoing_emails where sent_at is null") == [(0,)]


async def test_a_mailbox_is_not_flooded(office: PostOffice) -> None:
    await office.confirmed(ADA)
    for _ in range(8):
        await office.post("password/forgotten", email=ADA)

    assert len(await office.deliver()) == 5


async def test_for_who_exists_and_who_does_not_the_answer_is_the_same(office: PostOffice) -> None:
    await office.confirmed(ADA)

    known, unknown = [await office.post("password/forgotten", email=address) for address in (ADA, NOBODY)]
    right, wrong = [await office.log_in(address, "a wrong password") for address in (ADA, NOBODY)]

    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert (right.status_code, right.json() | {"request_id": 0}) == (
        wrong.status_code, wrong.json() | {"request_id": 0},
    )  # fmt: skip


async def test_for_who_exists_and_who_does_not_the_answer_takes_as_long(office: PostOffice) -> None:
    await office.confirmed(ADA)

    def forget(address: str) -> Awaitable[httpx.Response]:
        return office.post("password/forgotten", email=address)

    def guess(address: str) -> Awaitable[httpx.Response]:
        return office.log_in(address, "a wrong password")

    for ask in (forget, guess):
        gap = await median_gap(ask)

        assert abs(gap) < 0.005, ask.__name__


async def median_gap(ask: Callable[[str], Awaitable[httpx.Response]]) -> float:
    """By how many seconds the answer for Ada takes longer, asked in turn with that for nobody."""
    took: dict[str, list[float]] = {ADA: [], NOBODY: []}
    for _ in range(ROUNDS):
        for address, seconds in took.items():
            began = time.perf_counter()
            await ask(address)
            seconds.append(time.perf_counter() - began)
    return statistics.median(took[ADA]) - statistics.median(took[NOBODY])


async def test_asking_and_trying_has_a_limit_of_its_own(
    settings: Settings, committed_database: str, role_url: Callable[..., str]
) -> None:
    async with a_post_office(settings, committed_database, role_url, quick(reset_per_minute=4)) as office:
        tried = [await office.post("password/reset", token="x", new_password=NEW_PASSWORD) for _ in range(5)]
        login = await office.log_in("nobody")

    assert tried[0].headers["ratelimit-policy"] == '"reset";q=4;w=60'
    assert [answer.status_code for answer in tried] == [422] * 4 + [429]
    assert login.status_code == 401
