"""What somebody recorded is nobody else's: everybody asks for all of it, with the ids and without.

Ada has something that is recognised in every store. Everybody else who can come, of every role and with a key of every
scope, asks every route for it; she herself gets all of it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from psycopg.types.json import Jsonb

from aurora.settings import Settings
from serving.app import create_app
from serving.auth.scopes import KEY_SCOPES, SCOPES
from tests.fixtures.database import fresh_database
from tests.serving.audit.mutations import MUTATIONS, Situation
from tests.serving.conftest import PASSWORD, Account, an_event, log_in, quick, running
from tests.serving.routes import PUBLIC, ROUTES
from tests.serving.test_authorisation import ROLES, with_role
from tests.serving.webhooks.networks import PUBLIC as PUBLIC_ADDRESS
from tests.serving.webhooks.networks import Names

WORD: Final = f"the-blue-door-{uuid4().hex}"
"""In every text of Ada's."""
ENERGY: Final = 7.89
VALENCE: Final = 0.37
MILLISECONDS: Final = 78_901_234
"""Her numbers."""
WHAT_IS_HERS: Final = frozenset({WORD, f":{ENERGY},", '"class":"positive"', str(MILLISECONDS)})
REQUEST_ID: Final = uuid4().hex

READS: Final = [route.removeprefix("GET ") for route in ROUTES if route.startswith("GET ")]
ABOUT_OTHERS: Final = ("/api/v1/admin/users", "/api/v1/admin/audit")
"""Where whoever administers sees which accounts there are, and what was done to them; nothing that was recorded."""
OF_EVERYBODY: Final = {
    "/api/v1/models", "/api/v1/admin/feature-flags", "/api/v1/admin/feature-flags/{flag_name}", *ABOUT_OTHERS,
    "/api/v1/admin/users/{user_id}",
    *(route.removeprefix("GET ") for route, scope in ROUTES.items() if scope is PUBLIC),
}  # fmt: skip
"""Routes that tell nothing of whoever asks."""
ALSO_ASKED: Final[dict[str, tuple[int, Any]]] = {
    "POST /api/v1/events": (201, an_event),
    "POST /api/v1/events/batch": (200, lambda: {"events": [an_event()]}),
    "POST /api/v1/ws/tickets": (201, lambda: None),
    "POST /api/v1/auth/password/forgotten": (202, lambda: {"email": f"{uuid4().hex}@example.org"}),
}
ASKED_ELSEWHERE: Final = {
    "POST /api/v1/auth/refresh": "tests/serving/test_auth.py",
    "POST /api/v1/predictions/what-if": "tests/serving/test_what_if.py: it needs a model",
}


@dataclass(frozen=True)
class Life:
    """Ada with one of everything, and all the others who come: the headers of each, and what their key is for."""

    situation: Situation
    words: frozenset[str]
    ids: frozenset[str]
    others: dict[str, dict[str, str]] = field(default_factory=dict)
    scopes: dict[str, str | None] = field(default_factory=dict)

    @property
    def client(self) -> httpx.AsyncClient:
        return self.situation.client

    def path(self, path: str) -> str:
        return path.format(**self.situation.ids, name="energy.rated")

    def told(self, text: str, path: str) -> set[str]:
        """What of hers is in a text that somebody else got of this path."""
        secret = self.words if path.startswith(ABOUT_OTHERS) else self.words | self.ids
        return {each for each in secret if each in text}


@pytest.fixture(scope="module")
def own_database(postgres_admin_url: str, template_database: str) -> Iterator[str]:
    yield from fresh_database(postgres_admin_url, template_database, f"aurora_ownership_{uuid4().hex[:8]}")


@pytest.fixture(scope="module")
async def api(
    settings: Settings, own_database: str, role_url: Callable[..., str]
) -> AsyncIterator[httpx.AsyncClient]:
    """An API over a database of its own, to which every host is one of the public internet."""
    own = settings.model_copy(update={"postgres_url": role_url("aurora_serving", own_database)})
    app = create_app(own, quick(user_per_minute=100_000, key_per_minute=100_000))
    here = app.state.resources
    here.destinations = replace(here.destinations, resolve=Names.lead_to(PUBLIC_ADDRESS))
    async with running(app) as client:
        yield client


@pytest.fixture(scope="module")
async def life(api: httpx.AsyncClient, own_database: str) -> Life:
    ada, people = await log_in(api), {role: await with_role(api, own_database, role) for role in ROLES}
    situation = await Situation(api, own_database, ada, people["admin"]).prepare()
    await live(situation)
    ids = {str(each) for name, each in situation.ids.items() if name not in {"rejection_id", "flag_name"}}
    life = Life(
        situation,
        WHAT_IS_HERS,
        frozenset({*ids, ada.username, REQUEST_ID}),
    )
    life.others["anonymous"], life.scopes["anonymous"] = {}, None
    for role, account in people.items():
        life.others[role], life.scopes[role] = account.headers, None
    for scope in KEY_SCOPES:
        life.others[f"key {scope}"] = await a_key(api, people["admin"], scope)
        life.scopes[f"key {scope}"] = scope
    return life


async def a_key(api: httpx.AsyncClient, owner: Account, scope: str) -> dict[str, str]:
    wanted = {"name": "a key", "scopes": [scope]}
    made = await api.post("/api/v1/api-keys", json=wanted, headers=owner.headers)
    return {"Authorization": f"Bearer {made.json()['key']}"}


async def live(here: Situation) -> None:
    """Put what is recognised into every store."""
    client, headers = here.client, here.ada.headers | {"X-Request-ID": REQUEST_ID}
    event = an_event(note=WORD, source={"name": WORD}, payload={"energy": ENERGY})
    here.ids["event_id"] = event["event_id"]
    for path, body in (
        ("events", event),
        ("events", an_event(type="mood.rated", payload={"valence": VALENCE})),
        ("events", an_event(type="dream.had", note=WORD)),
        ("api-keys", {"name": WORD, "scopes": ["events:read"]}),
        (
            "webhooks",
            {"url": f"https://{WORD}.example.org/", "event_types": ["insights.made"], "description": WORD},
        ),
    ):
        await client.post(f"/api/v1/{path}", json=body, headers=headers)
    await client.patch("/api/v1/auth/me", json={"display_name": WORD}, headers=headers)
    await client.post(
        "/api/v1/auth/login",
        json={"username": here.ada.username, "password": PASSWORD},
        headers={"User-Agent": WORD},
    )
    with psycopg.connect(here.owner_url) as connection:
        newest = "select rejection_id from raw.rejected_events where user_id = %s order by 1 desc limit 1"
        [(here.ids["rejection_id"],)] = connection.execute(newest, (here.ada.user_id,)).fetchall()
        connection.execute(
            "update app.webhooks set description = %s where user_id = %s", (WORD, here.ada.user_id)
        )
        connection.execute(
            "insert into app.webhook_attempts (delivery_id, number, attempted_at, duration_ms, status)"
            " values (%s, 1, now(), %s, 200)",
            (here.ids["delivery_id"], MILLISECONDS),
        )
        store_results(connection, UUID(here.ada.user_id))


def store_results(connection: psycopg.Connection[Any], user_id: UUID) -> None:
    """What the warehouse and the weekly search would make."""
    connection.execute(
        "insert into insights.pattern_searches (user_id, week_ended_date, first_date, told_days, patterns, tested,"
        " omitted, method_version) values (%s, '2026-11-22', '2026-05-20', 150, 1, '{}', '[]', 1)",
        (user_id,),
    )
    connection.execute(
        "insert into insights.patterns (user_id, week_ended_date, place, kind, outcome, subject, timing, lag_days,"
        " direction, estimate, lower, upper, unit, days, effective_n, p_value, q_value, stars, sentence) values"
        " (%s, '2026-11-22', 1, 'lagged_correlation', 'energy', 'steps', 'before', 1, 'higher', 0.4, 0.1, 0.6,"
        " 'rho', 90, 71.5, 0.001, 0.02, 2, %s)",
        (user_id, WORD),
    )
    connection.execute("set role aurora_pipelines")
    connection.execute(
        "create table marts.scores (user_id uuid, local_date date, score_name text, score float8,"
        " score_state text, coverage float8, factors jsonb, version int, tz text, as_of timestamptz)"
    )
    factor = {
        "name": "duration", "value": 7.1, "unit": "h", "goal": WORD, "points": 1, "weight": 1, "contribution": 1
    }  # fmt: skip
    connection.execute(
        "insert into marts.scores values (%s, current_date, 'sleep', 80, 'SCORED', 0.8, %s, 1, 'Europe/Oslo', now())",
        (user_id, Jsonb([factor])),
    )


def test_everybody_who_can_come_comes(life: Life) -> None:
    assert life.others.keys() == {"anonymous", *ROLES, *(f"key {scope}" for scope in KEY_SCOPES)}


@pytest.mark.parametrize("path", READS)
async def test_its_owner_reads_what_they_have(life: Life, path: str) -> None:
    here = life.situation
    scope = ROUTES[f"GET {path}"]
    account = here.ada if scope is None or "user" in SCOPES[scope].roles else here.admin

    answer = await life.client.get(life.path(path), headers=account.headers)

    assert answer.status_code == 200, answer.text
    if path not in OF_EVERYBODY:
        # Else nobody would see that somebody else is told of it.
        assert {each for each in life.words | life.ids if each in answer.text}, answer.text
    if scope in KEY_SCOPES and account is here.ada:
        by_key = await life.client.get(life.path(path), headers=await a_key(life.client, account, str(scope)))
        assert by_key.status_code == 200, by_key.text


@pytest.mark.parametrize("path", READS)
async def test_nobody_else_reads_any_of_it(life: Life, path: str) -> None:
    # As if one could ask for somebody.
    names = ("user_id", "subject_user_id", "actor_id")
    ada: dict[str, str] = dict.fromkeys(names, life.situation.ada.user_id)
    # Her answer is kept by then, where answers are kept.
    await life.client.get(life.path(path), headers=life.situation.ada.headers)
    named = set(re.findall(r"\{(\w+)\}", path)) & life.situation.ids.keys()
    is_hers = named and path not in OF_EVERYBODY
    for who, headers in life.others.items():
        answers = [
            await life.client.get(life.path(path), headers=headers),
            await life.client.get(life.path(path), headers=headers, params=ada),
        ]
        for answer in answers:
            assert not life.told(answer.text, path), (who, path)
            assert answer.status_code < 500, (who, answer.text)
        if is_hers:
            assert answers[0].status_code == refusal(life, who, f"GET {path}"), (who, answers[0].text)


def refusal(life: Life, who: str, route: str) -> int:
    """What they are told who ask for something of somebody else's: that it is not there, if they may ask at all."""
    scope, key = ROUTES[route], life.scopes[who]
    if who == "anonymous":
        return 401
    return 404 if key is None or key == scope else 403


CHANGES: Final = [
    route
    for route, scope in ROUTES.items()
    if not route.startswith("GET ") and "{" in route and "/admin/" not in route and scope is not PUBLIC
]


@pytest.mark.parametrize("route", CHANGES)
async def test_nobody_else_changes_any_of_it(life: Life, route: str) -> None:
    method, path = route.split(" ")
    before = everything_of(life.situation)
    for who, headers in life.others.items():
        body = {"is_enabled": False} if method == "PATCH" else None
        answer = await life.client.request(method, life.path(path), headers=headers, json=body)

        assert answer.status_code == refusal(life, who, route), (who, answer.text)
        assert not life.told(answer.text, path), (who, answer.text)
    assert everything_of(life.situation) == before


def everything_of(here: Situation) -> list[Any]:
    """What can be changed of Ada's by its id."""
    queries = (
        "select to_jsonb(found) from app.webhooks as found where user_id = %(user_id)s order by webhook_id",
        "select to_jsonb(found) from app.webhook_deliveries as found where delivery_id = %(delivery_id)s",
        "select to_jsonb(found) from app.webhook_secrets as found where webhook_id = %(webhook_id)s",
        "select to_jsonb(found) from app.sessions as found where user_id = %(user_id)s order by session_id",
        "select to_jsonb(found) - 'last_used_at' from app.api_keys as found where key_id = %(key_id)s",
        "select to_jsonb(found) from raw.rejected_events as found where user_id = %(user_id)s order by rejection_id",
    )
    with psycopg.connect(here.owner_url) as connection:
        return [connection.execute(query, here.ids).fetchall() for query in queries]


def test_every_route_is_asked_by_its_owner_with_their_own_ids() -> None:
    assert ROUTES.keys() == {
        *(f"GET {path}" for path in READS), *MUTATIONS, *ALSO_ASKED, *ASKED_ELSEWHERE
    }  # fmt: skip


@pytest.mark.parametrize("route", [*MUTATIONS, *ALSO_ASKED])
async def test_its_owner_changes_what_they_have(
    api: httpx.AsyncClient, own_database: str, life: Life, route: str
) -> None:
    situation = await Situation(api, own_database, await log_in(api), life.situation.admin).prepare()
    if route in MUTATIONS:
        answer = await situation.perform(route, uuid4().hex)
        assert answer.is_success, answer.text
        return
    status, body = ALSO_ASKED[route]
    method, path = route.split(" ")
    headers: Mapping[str, str] = situation.ada.headers
    answer = await api.request(method, path, headers=headers, json=body())
    assert answer.status_code == status, answer.text
