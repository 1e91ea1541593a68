"""The API does what its OpenAPI document says: schemathesis asks for everything in every way that it can think of.

It takes the examples of the document, the limits of each schema and what lies just beyond them, what it makes up,
and chains of requests in which one answer is the next question; and judges each answer by the document. The same
requests in every run: `--hypothesis-profile=search` makes up others, and more of them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Final

import hypothesis
import psycopg
import pytest
import schemathesis
from fastapi import FastAPI
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.generation.meta import TestPhase
from schemathesis.python import asgi
from schemathesis.schemas import BaseSchema

from aurora.settings import Settings
from serving.app import create_app
from serving.auth.roles import Role
from serving.webhooks.destinations import Destinations
from tests.fixtures.database import fresh_database
from tests.serving.conftest import PASSWORD, a_name, an_event, quick
from tests.serving.routes import ROUTES

PHASES: Final = ("examples", "coverage", "fuzzing", "stateful")
"""In which schemathesis asks."""

LEFT_OUT: Final = {
    "positive_data_acceptance": "a schema cannot say which cursors, links, zones, hosts and passwords there are",
    "object_level_authorization": "test_ownership.py asks for everything of somebody else's",
}
"""Checks that are not made, and why."""

LEFT_OUT_OF: Final = {
    # A batch is never all or nothing: an event that is not valid has its own outcome in an answer of 200. And with GET
    # `batch` is the id of an event, which is not valid.
    "POST /api/v1/events/batch": ["negative_data_rejection", "unsupported_method"],
}

OUT_OF_REACH: Final = {
    "POST /api/v1/auth/password": "schemathesis knows no password, so that it neither changes its own",
    "POST /api/v1/auth/login": "it may find out the password of somebody whom it registered, or not",
    "POST /api/v1/auth/refresh": "nor has it a refresh token unless it did",
    "DELETE /api/v1/auth/me": "nor deletes itself",
    "POST /api/v1/auth/email": "the same password",
    "POST /api/v1/auth/email/confirm": "nor the token of a link, which is in an e-mail",
    "POST /api/v1/auth/password/reset": "the same",
    "POST /api/v1/auth/email/verification": "it has no address that waits",
    "POST /api/v1/predictions/what-if": "no model is trained here",
}
"""What cannot succeed here, and why. Everything else has to, at least once."""


@dataclass
class Findings:
    """What a run found, how often each operation answered with which status, and how much each phase asked."""

    problems: list[str] = field(default_factory=list)
    answers: dict[str, Counter[int]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)

    def note(self, event: events.EngineEvent) -> None:
        if isinstance(event, events.NonFatalError):
            self.problems.append(f"{event.label}: {event.value!r}")
        elif isinstance(event, events.FatalError):
            raise event.exception
        elif isinstance(event, events.ScenarioFinished):
            self._note_scenario(event)

    def _note_scenario(self, event: events.ScenarioFinished) -> None:
        recorder = event.recorder
        self.asked[event.phase.value] += len(recorder.interactions)
        for case_id, interaction in recorder.interactions.items():
            case = recorder.cases[case_id].value
            if interaction.response is not None and case.method.upper() == case.operation.method.upper():
                of = self.answers.setdefault(case.operation.label, Counter())
                of[interaction.response.status_code] += 1
        for case_id, checks in recorder.checks.items():
            for check in checks:
                if check.status is Status.SUCCESS:
                    continue
                if check.name == "ensure_resource_availability" and _was_replayed(recorder, case_id):
                    continue
                info = check.failure_info
                said = f"{info.failure.title}: {info.failure.message}\n{info.code_sample}" if info else ""
                self.problems.append(f"{event.phase.value} {recorder.label}: {check.name}: {said}")

    @property
    def answered(self) -> set[str]:
        """Operations that succeeded at least once."""
        return {label for label, of in self.answers.items() if any(status < 300 for status in of)}


def _was_replayed(recorder: ScenarioRecorder, case_id: str) -> bool:
    """Whether the request that made what this one asks for got the answer which its key had got before: what was made
    then may be gone since. Chains of requests draw one key several times.
    """
    parent = recorder.find_parent(case_id=case_id)
    made = recorder.find_response(case_id=parent.id) if parent else None
    return made is not None and "idempotency-replayed" in made.headers


def asked(*, examples: int, phases: Collection[str]) -> SchemathesisConfig:
    """How much is asked in which phases, and what is judged."""
    search = hypothesis.settings.get_current_profile_name() == "search"
    generation = {
        "deterministic": not search,
        "max-examples": 1000 if search else examples,
        "database": "none",
        "no-shrink": not search,
    }
    return SchemathesisConfig.from_dict(
        {
            "seed": 20261129,
            "suppress-health-check": ["all"],
            "continue-on-failure": True,
            "generation": generation,
            "phases": {name: {"enabled": name in phases} for name in PHASES}
            | {
                "stateful": {
                    "enabled": "stateful" in phases,
                    "generation": generation | {"max-examples": 2 * generation["max-examples"]},
                }
            },
            "checks": {name: {"enabled": False} for name in LEFT_OUT},
            "operations": [
                {"include-name": label, "checks": {name: {"enabled": False} for name in names}}
                for label, names in LEFT_OUT_OF.items()
            ],
        }
    )


@pytest.fixture(scope="module")
def own_database(postgres_admin_url: str, template_database: str) -> Iterator[str]:
    yield from fresh_database(postgres_admin_url, template_database, f"aurora_contract_{a_name()[4:]}")


@pytest.fixture
def app(settings: Settings, own_database: str, role_url: Callable[..., str]) -> FastAPI:
    """The API over a database of its own, in which DNS knows one name, and nobody asks too often."""
    often = 10_000_000
    options = quick(
        anonymous_per_minute=often, login_per_minute=often, reset_per_minute=often,
        user_per_minute=often, key_per_minute=often, ai_per_minute=often, keys_per_person=often,
    )  # fmt: skip
    own = settings.model_copy(update={"postgres_url": role_url("aurora_serving", own_database)})
    app = create_app(own, options)

    async def resolve(host: str, port: int) -> list[Any]:
        if host != "example.org":
            raise OSError
        return [ip_address("93.184.215.14")]

    app.state.resources.destinations = Destinations(resolve, options.webhooks.rules)
    return app


class Somebody:
    """Logs in as somebody of this role, and as somebody else when that login was closed; has one of everything."""

    def __init__(self, app: FastAPI, owner_url: str, role: Role) -> None:
        # Any: Starlette and schemathesis name the types of ASGI differently.
        self._app: Any = app
        self._owner_url, self._role = owner_url, role
        self._user_id = ""
        self._headers: dict[str, str] = {}

    def get(self, _case: Any, _context: Any) -> dict[str, str]:
        with asgi.get_client(self._app) as client:
            if not self._is_still(client):
                self._headers = self._log_in(client)
        return self._headers

    def _is_still(self, client: asgi.ASGIClient) -> bool:
        """Whether it is still logged in, and has not taken its role away from itself."""
        if self._role != "admin":
            return client.get("/api/v1/auth/me", headers=self._headers).status_code == 200
        seen = client.get(f"/api/v1/admin/users/{self._user_id}", headers=self._headers)
        return seen.status_code == 200 and seen.json()["role"] == "admin"

    def set(self, case: Any, headers: dict[str, str], _context: Any) -> None:
        case.headers.update(headers)
        if case.path_parameters.get("flag_name") == "registration":
            # Nobody else could come in.
            case.path_parameters["flag_name"] = _FLAG
        meta = case.meta
        if meta and meta.generation.mode.is_positive and meta.phase.name is not TestPhase.STATEFUL:
            case.path_parameters.update(self._own_ids(case.path_parameters))

    def _own_ids(self, names: Iterable[str]) -> dict[str, Any]:
        """What there is, in place of ids that nobody has. Chains of requests find their ids by themselves."""
        own: dict[str, Any] = {"flag_name": _FLAG} if "flag_name" in names else {}
        with asgi.get_client(self._app) as client:
            for name in [name for name in _LISTS if name in names]:
                items = self._read(client, _LISTS[name].format(**own))
                if not items and name in _MADE_BY:
                    path, body = _MADE_BY[name]
                    client.post(path.format(**own), json=body, headers=self._headers)
                    items = self._read(client, _LISTS[name].format(**own))
                if not items:
                    break
                own[name] = items[0][name]
        return own

    def _read(self, client: asgi.ASGIClient, path: str) -> list[dict[str, Any]]:
        answer = client.get(path, headers=self._headers)
        return answer.json()["items"] if answer.status_code == 200 else []

    def _log_in(self, client: asgi.ASGIClient) -> dict[str, str]:
        named = {"username": a_name(), "password": PASSWORD}
        self._user_id = client.post("/api/v1/auth/register", json=named).json()["user_id"]
        with psycopg.connect(self._owner_url, autocommit=True) as owner:
            owner.execute("update app.users set role = %s where user_id = %s", (self._role, self._user_id))
        login = client.post("/api/v1/auth/login", json=named).json()
        return {"Authorization": f"Bearer {login['access_token']}"}


_FLAG: Final = "response-cache"
"""The feature flag that is switched."""

_LISTS: Final = {
    "event_id": "/api/v1/events",
    "rejection_id": "/api/v1/rejected-events",
    "session_id": "/api/v1/auth/sessions",
    "key_id": "/api/v1/api-keys",
    "user_id": "/api/v1/admin/users",
    "webhook_id": "/api/v1/webhooks",
    "delivery_id": "/api/v1/webhooks/{webhook_id}/deliveries",
}
"""Where ids are read."""

_MADE_BY: Final[dict[str, tuple[str, dict[str, Any] | None]]] = {
    "event_id": ("/api/v1/events", an_event()),
    "rejection_id": ("/api/v1/events", an_event(type="mood.guessed")),
    "key_id": ("/api/v1/api-keys", {"name": "x", "scopes": ["events:read"]}),
    "webhook_id": (
        "/api/v1/webhooks",
        {"url": "https://example.org/x", "event_types": ["insights.made"]},
    ),
    "delivery_id": ("/api/v1/webhooks/{webhook_id}/test", None),
}
"""What is asked for when a list is empty."""


@schemathesis.serializer("application/x-ndjson")
def as_lines(_context: Any, value: Any) -> bytes:
    """NDJSON as the document has it: text."""
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


def findings_of(schema: BaseSchema) -> Findings:
    findings = Findings()
    try:
        for event in from_schema(schema).execute():
            findings.note(event)
    finally:
        asgi.shutdown_lifespans()
    return findings


def asked_by(
    role: Role, app: FastAPI, owner_url: str, *, examples: int, phases: Collection[str] = PHASES
) -> BaseSchema:
    """The document of an API that has started, and who asks."""
    schema = schemathesis.openapi.from_asgi(
        "/api/v1/openapi.json", app, config=asked(examples=examples, phases=phases)
    )
    somebody = Somebody(app, owner_url, role)
    schema.auth.providers.append(somebody)
    return schema


@pytest.mark.slow
def test_an_administrator_is_answered_as_the_document_says(app: FastAPI, own_database: str) -> None:
    findings = findings_of(asked_by("admin", app, own_database, examples=10))

    assert findings.problems == []
    assert set(+findings.asked) == set(PHASES)
    assert set(ROUTES) - findings.answered <= set(OUT_OF_REACH)


@pytest.mark.slow
def test_an_ordinary_person_is_answered_as_the_document_says(app: FastAPI, own_database: str) -> None:
    # The limits of every schema are the same for everybody: an administrator has tried them.
    phases = [name for name in PHASES if name != "coverage"]
    findings = findings_of(asked_by("user", app, own_database, examples=2, phases=phases))

    assert findings.problems == []
    assert set(+findings.asked) == set(phases)
    assert {route for route in findings.answered if "/admin/" in route} == set()
    assert len(findings.answered) > len(ROUTES) / 2
