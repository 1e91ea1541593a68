"""The headers that every answer has, whatever its status: strict ones, and the id that finds the request."""

from __future__ import annotations

import httpx
import psycopg
import pytest

from aurora.settings import Settings
from serving.app import create_app
from serving.middleware.security_headers import STRICT
from tests.serving.conftest import an_event, log_in, quick, running

HEADERS = (*STRICT, "X-Request-ID")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/event-types", 200),
        ("GET", "/api/v1/nothing", 404),
        ("DELETE", "/api/v1/events", 405),
        ("GET", "/api/v1/events", 401),
        ("POST", "/api/v1/auth/login", 422),
        ("GET", "/livez", 200),
        ("GET", "/docs", 200),
        ("GET", "/docs/secrets.txt", 404),
    ],
)
async def test_every_answer_has_its_headers(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)

    check_headers(answer, status)


async def test_answers_that_take_more_have_their_headers_too(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = quick(max_body_bytes=10_000, cors_origins=("https://app.example.org",), user_per_minute=9)
    app = create_app(settings, options)
    me, login, sessions = "/api/v1/auth/me", "/api/v1/auth/login", "/api/v1/auth/sessions"
    as_json = {"Content-Type": "application/json"}
    async with running(app) as client:
        ada = await log_in(client)
        first = await client.get(me, headers=ada.headers)
        tag = {"If-None-Match": first.headers["etag"]}
        check_headers(await client.get(me, headers=ada.headers | tag), 304)
        check_headers(await client.post("/api/v1/auth/logout", headers=(await log_in(client)).headers), 204)
        check_headers(await client.post("/api/v1/events", json=an_event(), headers=ada.headers), 201)
        check_headers(await client.get(f"{sessions}?cursor=x", headers=ada.headers), 400)
        check_headers(await client.post(login, content=b" " * 10_001, headers=as_json), 413)
        text = ada.headers | {"Content-Type": "text/plain"}
        check_headers(await client.post("/api/v1/events", content=b"{}", headers=text), 415)
        stale = ada.headers | {"If-Match": '"another"'}
        check_headers(await client.patch(me, json={"display_name": "Ada"}, headers=stale), 412)
        check_headers(await client.get("/api/v1/models", headers=ada.headers), 403)
        asked = {"Origin": "https://evil.example.org", "Access-Control-Request-Method": "POST"}
        check_headers(await client.options("/api/v1/events", headers=asked), 400, is_problem=False)

        async def is_away(*_: object, **__: object) -> None:
            raise psycopg.OperationalError

        monkeypatch.setattr(app.state.resources.posting, "receive", is_away)
        check_headers(await client.post("/api/v1/events", json=an_event(), headers=ada.headers), 503)
        monkeypatch.setattr(app.state.resources.posting, "receive", None)
        check_headers(await client.post("/api/v1/events", json=an_event(), headers=ada.headers), 500)
        refused = [await client.get(me, headers=ada.headers) for _ in range(9)]
        check_headers(refused[-1], 429)


def check_headers(answer: httpx.Response, status: int, *, is_problem: bool = True) -> None:
    """It has this status and every header that all answers have; an error is a problem."""
    assert answer.status_code == status, answer.text
    assert [name for name in HEADERS if name not in answer.headers] == []
    if status >= 400 and is_problem:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
        assert answer.json()["type"].startswith("urn:aurora-life:problem:")
