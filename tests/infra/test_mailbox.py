"""The embedded mailbox: it takes every e-mail, shows it to this machine, and keeps the last ones."""

from __future__ import annotations

import base64
import hashlib
import re
import smtplib
import stat
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from infra.embedded.mailbox import Mailbox, mail_server
from infra.installation import given_settings, open_installation
from infra.mailbox import page_server
from infra.ports import free_port
from infra.programs import programs
from infra.system import bring_up, take_down


@pytest.fixture
def mailbox(tmp_path: Path) -> Mailbox:
    return Mailbox(tmp_path / "mailbox", kept=3)


@pytest.fixture
def page(mailbox: Mailbox) -> Iterator[str]:
    server = page_server(mailbox, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def an_email(subject: str = "Confirm your e-mail address", text: str = "Hello.") -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "aurora@localhost", "ada@example.org"
    message.set_content(text)
    return message


def put(mailbox: Mailbox, message: EmailMessage) -> None:
    mailbox.put(message.as_bytes())


def read(url: str, **headers: str) -> str:
    answer = httpx.get(url, headers=headers)
    answer.raise_for_status()
    return answer.text


def test_an_e_mail_that_is_sent_there_is_kept_as_a_file_that_nobody_else_reads(mailbox: Mailbox) -> None:
    port = free_port()
    server = mail_server(mailbox, port)
    server.start()
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.send_message(an_email(text="Hello, Ada."))
    server.stop()

    [kept] = mailbox.emails()
    assert (kept.message["To"], kept.text.strip()) == ("ada@example.org", "Hello, Ada.")
    assert stat.S_IMODE(mailbox.folder.stat().st_mode) == 0o700


def test_of_too_many_e_mails_the_last_are_kept(mailbox: Mailbox) -> None:
    for number in range(5):
        put(mailbox, an_email(f"number {number}"))

    assert [kept.message["Subject"] for kept in mailbox.emails()] == ["number 4", "number 3", "number 2"]


def test_the_page_lists_e_mails_and_shows_each_with_its_link(mailbox: Mailbox, page: str) -> None:
    put(mailbox, an_email(text="Open\n\n    http://127.0.0.1:8000/confirm-email#secret\n"))
    [kept] = mailbox.emails()

    listed, shown = read(page), read(f"{page}/{kept.name}")

    assert f'<a href="/{kept.name}">Confirm your e-mail address</a>' in listed
    assert '<a href="/">All e-mails</a>' in shown
    assert '<a href="http://127.0.0.1:8000/confirm-email#secret">' in shown


def test_an_empty_mailbox_says_so_and_its_style_is_the_one_that_is_allowed(page: str) -> None:
    answer = httpx.get(page)

    [style] = re.findall("<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["Content-Security-Policy"]
    assert "There is none yet" in answer.text


def test_an_e_mail_without_a_subject_can_be_opened(mailbox: Mailbox, page: str) -> None:
    put(mailbox, an_email(""))

    assert ">(no subject)</a>" in read(page)


def test_nothing_in_an_e_mail_becomes_part_of_the_page(mailbox: Mailbox, page: str) -> None:
    put(mailbox, an_email("<script>1</script>", 'http://x/"><script>2</script>'))
    [kept] = mailbox.emails()

    assert "<script>" not in read(page) + read(f"{page}/{kept.name}")


@pytest.mark.parametrize("path", ["/nothing.eml", "/../ports.json", "/%2e%2e/ports.json", "/..%2fports.json"])
def test_what_is_no_e_mail_of_the_mailbox_is_not_shown(mailbox: Mailbox, page: str, path: str) -> None:
    put(mailbox, an_email())
    (mailbox.folder.parent / "ports.json").write_text("{}")

    with pytest.raises(httpx.HTTPStatusError, match="404"):
        read(page + path)


def test_a_name_of_the_internet_that_leads_here_reads_no_mail(page: str) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="403"):
        read(page, Host="evil.example.org:8025")


def test_the_mailbox_of_a_running_system_takes_e_mails(data_dir: Path) -> None:
    here = open_installation(given_settings(data_dir=data_dir))
    bring_up(here, table={"mailbox": programs(here)["mailbox"]})
    try:
        with smtplib.SMTP("127.0.0.1", here.ports["mailbox-smtp"]) as client:
            client.send_message(an_email("from afar"))

        assert "from afar" in read(here.url("mailbox"))
    finally:
        take_down(here.run_dir)
