"""What surrounds every request: limits, headers, problems, health, metrics, and the OpenAPI document."""

from __future__ import annotations

import base64
import hashlib
import inspect
import json
import re
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from aurora.settings import Settings
from serving.app import DIRECT, NOUNS, create_app
from serving.description import openapi_json
from serving.problem_types import STATUS_OF
from tests.serving.conftest import Account, an_event, log_in, quick, running


async def test_a_request_id_of_the_client_is_kept_and_a_strange_one_is_not(client: httpx.AsyncClient) -> None:
    own = "1e9a4f3c7b2d4c5e8f90a1b2c3d4e5f6"
    kept = await client.get("/livez", headers={"X-Request-ID": own})
    strange = await client.get("/livez", headers={"X-Request-ID": "<script>"})

    assert kept.headers["x-request-id"] == own
    assert "script" not in strange.headers["x-request-id"]


def test_every_direct_endpoint_takes_the_request_alone_and_has_no_path_parameters() -> None:
    direct = [
        route for part in NOUNS for route in part.router.routes if getattr(route, "endpoint", None) in DIRECT
    ]

    assert len(direct) == len(DIRECT)
    for route in direct:
        assert isinstance(route, APIRoute)
        assert list(inspect.signature(route.endpoint).parameters) == ["request"]
        assert "{" not in route.path


async def test_what_nobody_expected_is_a_problem_on_direct_and_other_routes_alike(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(settings, quick())
    async with running(app) as client:
        ada = await log_in(client)

        async def fail(*_: object, **__: object) -> None:
            raise RuntimeError("the secret of the stack trace")

        monkeypatch.setattr(app.state.resources.posting, "receive", fail)
        monkeypatch.setattr(app.state.resources.forecaster, "predict", fail)
        direct = await client.post("/api/v1/events", json=an_event(), headers=ada.headers)
        other = await client.get("/api/v1/predictions/energy", headers=ada.headers)

    for answer in (direct, other):
        assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
        assert answer.headers["x-frame-options"] == "DENY"
        assert "secret" not in answer.text


async def test_of_a_browser_every_answer_says_whom_it_is_for(settings: Settings) -> None:
    options = quick(cors_origins=("https://app.example.org",), user_per_minute=2)
    async with running(create_app(settings, options)) as client:
        ada = await log_in(client)
        headers = ada.headers | {"Origin": "https://app.example.org"}
        answers = [await client.post("/api/v1/events", json=an_event(), headers=headers) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == "https://app.example.org"
        assert answer.headers["ratelimit-policy"] == '"user";q=2;w=60'


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_scheme_of_a_token_is_read_in_any_case(
    client: httpx.AsyncClient, ada: Account, scheme: str
) -> None:
    token = ada.tokens["access_token"]
    good = await client.get("/api/v1/auth/me", headers={"Authorization": f"{scheme} {token}"})
    strange = {b"Authorization": f"{scheme} {token}é".encode("latin-1")}
    bad = await client.get("/api/v1/auth/me", headers=strange)

    assert (good.status_code, bad.status_code) == (200, 401)


async def test_a_problem_never_repeats_what_was_sent(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/api/v1/auth/login", json={"username": ["my secret"], "password": 7, "x-secret": "y-secret"}
    )

    assert answer.status_code == 422
    assert {flaw["location"] for flaw in answer.json()["errors"]} == {
        "body.username",
        "body.password",
        "body",
    }
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "body", "location"),
    [
        ("PATCH", "/auth/me", {"scales": {"my-secret": {"worst": 1, "best": 5}}}, "body.scales"),
        ("PATCH", "/auth/me", {"scales": {"mood": {"my-secret": 1}}}, "body.scales.mood"),
        ("POST", "/predictions/what-if", {"changes": [{"my-secret": 1}]}, "body.changes.0"),
        ("POST", "/webhooks", {"event_types": ["my-secret"]}, "body.event_types"),
        ("POST", "/api-keys", {"scopes": ["events:read", "my-secret"]}, "body.scopes.1"),
        ("POST", "/events", an_event(**{"my-secret": 1}), None),
        ("POST", "/events", an_event(payload={"energy": 1, "my-secret": "my-secret"}), None),
    ],
)
async def test_a_problem_tells_the_place_up_to_where_names_are_made_up(
    client: httpx.AsyncClient,
    ada: Account,
    method: str,
    path: str,
    body: dict[str, Any],
    location: str | None,
) -> None:
    answer = await client.request(method, f"/api/v1{path}", json=body, headers=ada.headers)

    assert answer.status_code == 422
    assert location is None or location in {flaw["location"] for flaw in answer.json()["errors"]}
    assert "secret" not in answer.text


@pytest.mark.parametrize("body", [b"{", b'"\xff"', b"[" * 50_000])
async def test_a_broken_body_is_a_problem(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post(
        "/api/v1/auth/login", content=body, headers={"Content-Type": "application/json"}
    )

    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"


async def test_anonymous_calls_are_limited_by_address_and_people_by_who_they_are(settings: Settings) -> None:
    async with running(create_app(settings, quick(anonymous_per_minute=3, user_per_minute=5))) as client:
        ada, bo = await log_in(client), await log_in(client)
        mine = [(await client.get("/api/v1/auth/me", headers=ada.headers)) for _ in range(6)]
        others = await client.get("/api/v1/auth/me", headers=bo.headers)
        anonymous = [(await client.get("/api/v1/event-types")).status_code for _ in range(5)]
        spoofed = await client.get("/api/v1/event-types", headers={"X-Forwarded-For": "8.8.8.8"})
        health = await client.get("/livez")

    assert [answer.status_code for answer in mine] == [200] * 5 + [429]
    assert mine[0].headers["ratelimit-policy"] == '"user";q=5;w=60'
    assert mine[0].headers["ratelimit"].startswith('"user";r=4;t=')
    refused = mine[-1]
    assert refused.json()["code"] == "rate-limited"
    assert 1 <= int(refused.headers["retry-after"]) <= 61
    assert refused.headers["x-frame-options"] == "DENY"
    assert others.status_code == 200
    assert anonymous.count(429) >= 2
    assert spoofed.status_code == 429
    assert health.status_code == 200


async def test_logins_have_a_bucket_of_their_own(settings: Settings) -> None:
    async with running(create_app(settings, quick(login_per_minute=3))) as client:
        body = {"username": "nobody", "password": "guess after guess"}
        tried = [(await client.post("/api/v1/auth/login", json=body)).status_code for _ in range(5)]
        other = await client.get("/api/v1/event-types")

    assert tried[-1] == 429
    assert tried.count(401) <= 3
    assert other.status_code == 200


async def test_only_allowed_origins_may_call_from_a_browser(settings: Settings) -> None:
    options = quick(cors_origins=("https://app.example.org",))
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    async with running(create_app(settings, options)) as client:
        good = await client.options(
            "/api/v1/events", headers=preflight | {"Origin": "https://app.example.org"}
        )
        bad = await client.options(
            "/api/v1/events", headers=preflight | {"Origin": "https://evil.example.org"}
        )

    assert good.headers["access-control-allow-origin"] == "https://app.example.org"
    assert bad.status_code == 400
    assert "access-control-allow-origin" not in bad.headers


async def test_health_says_what_the_api_stands_on(client: httpx.AsyncClient) -> None:
    assert (await client.get("/livez")).json() == {"status": "ok"}
    assert (await client.get("/readyz")).json() == {"status": "ok", "postgres": "ok", "redis": "ok"}
    assert (await client.get("/startupz")).status_code == 200


async def test_metrics_name_routes_and_never_people(client: httpx.AsyncClient, ada: Account) -> None:
    await client.get("/api/v1/auth/me", headers=ada.headers)
    await client.get("/api/v1/events/00000000-0000-0000-0000-00000000beef", headers=ada.headers)
    await client.get("/api/v1/no/such/path")

    text = (await client.get("/metrics")).text

    assert 'http_requests_total{endpoint="/api/v1/auth/me",method="GET",status="200"}' in text
    assert 'endpoint="/api/v1/events/{event_id}"' in text
    assert 'endpoint="unmatched"' in text
    assert "http_request_duration_seconds_bucket" in text
    assert "beef" not in text
    assert ada.user_id not in text


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    document = json.loads(openapi_json())
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_operation_is_described_and_says_its_problems() -> None:
    for method, path, operation in operations():
        assert operation["summary"], (method, path)
        assert operation.get("description"), (method, path)
        if path.startswith("/api/v1"):
            assert "429" in operation["responses"], (method, path)
        if operation.get("security"):
            assert "401" in operation["responses"], (method, path)
        assert "HTTPValidationError" not in json.dumps(operation), (method, path)


def test_every_reference_of_the_document_leads_somewhere() -> None:
    text = openapi_json()
    schemas = json.loads(text)["components"]["schemas"]
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}

    assert names - set(schemas) == set()


def test_problem_codes_are_unique() -> None:
    kinds = set(STATUS_OF.values())

    assert len({kind.code for kind in kinds}) == len(kinds)


async def test_the_docs_page_and_the_document_are_served(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    document = await client.get("/api/v1/openapi.json")

    assert page.status_code == 200
    assert "swagger-ui-bundle.js" in page.text
    assert document.json()["info"]["title"] == "AURORA_LIFE"
    assert (await client.get("/docs/secrets.txt")).json()["code"] == "not-found"


async def test_the_docs_page_runs_its_own_script_and_no_other(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")

    [script] = re.findall("<script>(.*?)</script>", page.text, re.DOTALL)
    [allowed] = re.findall("script-src ([^;]*)", page.headers["content-security-policy"])
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in allowed
    assert "unsafe" not in allowed


@pytest.mark.parametrize("path", ["/", "/docs"])
async def test_a_browser_finds_both_documents(client: httpx.AsyncClient, path: str) -> None:
    page = (await client.get(path)).text

    for document in re.findall(r'href="(/api/v1/\w+\.json)"', page):
        assert (await client.get(document)).status_code == 200
    assert '"/api/v1/openapi.json"' in page
    assert '"/api/v1/asyncapi.json"' in page


async def test_our_own_words_about_what_is_not_valid_stand_alone(client: httpx.AsyncClient) -> None:
    refused = await client.post("/api/v1/auth/password/forgotten", json={"email": "a@b"})

    assert refused.json()["errors"][0]["detail"].startswith("this is no address")
