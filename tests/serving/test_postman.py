"""The postman: at once, at least once, and patient with a mail server that is away."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import psycopg
import pytest

from serving.emails.outgoing import TRIED_FOR, is_final, pause_before_next
from serving.emails.smtp import MailServer, MailServerInvalidError
from serving.jobs.queue import ensure_tables
from serving.jobs.worker import work
from tests.fixtures import service_run
from tests.serving.conftest import DATA_KEY
from tests.serving.post_office import LETTERHEAD, PostOffice, token_in

ADA = "ada@example.org"
PATIENCE = 20.0


async def next_email(office: PostOffice) -> EmailMessage:
    return await asyncio.to_thread(office.mail.taken.get, timeout=PATIENCE)


def state(office: PostOffice) -> list[tuple[object, ...]]:
    """Of each e-mail: attempts, whether it was sent, whether it was given up, the last error."""
    return office.execute(
        "select attempts, sent_at is not null, failed_at is not null, last_error from app.outgoing_emails"
    )


def let_pauses_pass(office: PostOffice) -> None:
    office.execute("update app.outgoing_emails set next_attempt_at = now()")


async def test_an_e_mail_goes_out_as_soon_as_it_is_written(office: PostOffice) -> None:
    working = asyncio.create_task(work(office.jobs_url, DATA_KEY, office.postman))
    await office.register(ADA)
    first = await next_email(office)

    # The worker waits by now, and does not look again for half a minute unless it is woken.
    await office.register("bo@example.org")
    second = await next_email(office)

    assert [first["To"], second["To"]] == [ADA, "bo@example.org"]
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert [row[1] for row in state(office)] == [True, True]


async def test_an_e_mail_waits_for_a_mail_server_that_is_away(office: PostOffice) -> None:
    office.mail.answer = "451 not now, {address}"
    await office.register(ADA)
    assert await office.deliver() == []
    assert state(office) == [(1, False, False, "recipient refused 451")]
    office.mail.answer = "250 kept"
    assert await office.deliver() == []

    let_pauses_pass(office)

    assert [message["To"] for message in await office.deliver()] == [ADA]
    assert state(office) == [(2, True, False, None)]


async def test_an_e_mail_waits_for_a_mail_server_that_does_not_listen(office: PostOffice) -> None:
    office.mail.port, listening = 1, office.mail.port
    await office.register(ADA)
    await office.deliver()
    office.mail.port = listening
    let_pauses_pass(office)

    assert [message["To"] for message in await office.deliver()] == [ADA]


async def test_a_link_holds_from_when_its_e_mail_goes_out(office: PostOffice) -> None:
    await office.register(ADA)
    office.execute("update app.outgoing_emails set created_at = now() - interval '47 hours'")

    await office.deliver()

    [(hours,)] = office.execute(
        "select round(extract(epoch from expires_at - now()) / 3600) from app.email_tokens"
    )
    assert hours == 48


async def test_an_e_mail_that_nobody_takes_for_two_days_is_given_up(office: PostOffice) -> None:
    office.mail.answer = "451 not now"
    await office.register(ADA)
    office.execute("update app.outgoing_emails set created_at = now() - interval '2 days'")

    await office.deliver()
    let_pauses_pass(office)
    await office.deliver()

    assert state(office) == [(1, False, True, "recipient refused 451")]


async def test_an_e_mail_to_a_mailbox_that_does_not_exist_is_given_up_at_once(office: PostOffice) -> None:
    office.mail.answer = "550 no {address} here"
    await office.register(ADA)

    await office.deliver()

    assert state(office) == [(1, False, True, "recipient refused 550")]


async def test_an_e_mail_that_cannot_be_written_does_not_stop_those_behind_it(office: PostOffice) -> None:
    await office.register(ADA)
    office.execute("update app.users set data_key_ciphertext = 'not a key'")
    await office.register("bo@example.org")

    delivered = await office.deliver()

    assert [message["To"] for message in delivered] == ["bo@example.org"]
    assert sorted(state(office)) == [(1, False, False, "InvalidTag"), (1, True, False, None)]


async def test_two_postmen_bring_each_e_mail_once(office: PostOffice) -> None:
    addresses = {f"person{n}@example.org" for n in range(10)}
    for address in addresses:
        await office.register(address)

    async def deliver_all() -> None:
        async with await psycopg.AsyncConnection.connect(office.jobs_url, autocommit=True) as connection:
            postman = office.postman
            while await postman.deliver_one(connection):
                pass

    await asyncio.gather(deliver_all(), deliver_all())

    assert sorted(message["To"] for message in office.mail.all()) == sorted(addresses)


async def test_an_e_mail_outlives_a_worker_that_is_killed_while_it_sends(office: PostOffice) -> None:
    await asyncio.to_thread(ensure_tables, office.jobs_url)
    await office.register(ADA)
    office.mail.silence()
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "serving.jobs", env=environment_of(office), stderr=asyncio.subprocess.DEVNULL
    )
    first = await next_email(office)
    worker.send_signal(signal.SIGKILL)
    await worker.wait()
    assert state(office) == [(1, False, False, None)]
    office.mail.answer_again()

    let_pauses_pass(office)
    [second] = await office.deliver()

    # Whoever got both sees one; both links work until one of them is used.
    assert first["Message-ID"] == second["Message-ID"]
    assert (await office.post("email/confirm", token=token_in(first))).status_code == 204
    assert state(office) == [(2, True, False, None)]


def environment_of(office: PostOffice) -> dict[str, str]:
    return {
        **os.environ,
        "AURORA_POSTGRES_URL": office.jobs_url,
        "AURORA_REDIS_URL": service_run.start_redis().url(),
        "AURORA_DATA_KEY": DATA_KEY,
        "AURORA_SMTP_URL": office.mail.url,
        "AURORA_MAIL_FROM": LETTERHEAD.mail_from,
        "AURORA_PUBLIC_URL": LETTERHEAD.public_url,
    }


@pytest.mark.parametrize("attempts", [0, 1, 5, 100])
def test_pauses_grow_to_an_hour_and_are_longer_than_an_attempt(attempts: int) -> None:
    pause = pause_before_next(attempts)

    assert timedelta(seconds=30) <= pause <= timedelta(hours=1.25)
    assert pause_before_next(attempts + 3) >= pause or pause > timedelta(hours=1)


def test_an_e_mail_is_tried_for_two_days() -> None:
    written_at = datetime(2026, 11, 25, tzinfo=UTC)

    assert not is_final(written_at, written_at + TRIED_FOR - timedelta(seconds=1))
    assert is_final(written_at, written_at + TRIED_FOR)


@pytest.mark.parametrize(
    "url", ["", "mail.example.org", "http://mail.example.org", "smtp://", "smtp://host:port"]
)
def test_an_address_that_is_no_mail_server_is_refused_in_words(url: str) -> None:
    with pytest.raises(MailServerInvalidError, match="AURORA_SMTP_URL"):
        MailServer.of(url)


@pytest.mark.parametrize(
    ("url", "start_tls"),
    [
        ("smtps://me:secret@mail.example.org", False),
        ("smtp://me:s%40cret@mail.example.org:587", True),
        ("smtp://mail.example.org", None),
        ("smtp://me:secret@127.0.0.1:2525", None),
    ],
)
def test_a_password_goes_to_another_machine_by_tls_or_not_at_all(url: str, start_tls: bool | None) -> None:
    assert MailServer.of(url).start_tls is start_tls
