"""Lists: filters that combine, an order that one chooses, and pages that follow each other in it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from aurora.events.dead_letters import Wanted as LettersWanted
from aurora.events.dead_letters import list_letters
from serving.admin.accounts import Wanted as AccountsWanted
from serving.admin.accounts import list_accounts
from serving.audit.trail import Wanted as RowsWanted
from serving.audit.trail import list_rows
from serving.description import openapi_json
from serving.pagination import Order, encode_cursor
from serving.webhooks.deliveries import list_deliveries
from tests.serving.conftest import Account, an_event, log_in
from tests.serving.test_authorisation import with_role

DOCUMENT: Final[dict[str, Any]] = json.loads(openapi_json())
DOCS: Final = Path("docs/api.md").read_text()
PAGING: Final = {"cursor", "limit", "sort"}


def queries() -> dict[str, list[dict[str, Any]]]:
    """The query parameters of each route that reads and has some."""
    found = {
        path: [each for each in of["get"].get("parameters", []) if each["in"] == "query"]
        for path, of in DOCUMENT["paths"].items()
        if "get" in of
    }
    return {path: parameters for path, parameters in found.items() if parameters}


def orders_of(path: str) -> list[str]:
    """How a list can be ordered, the order that holds by default first."""
    [sort] = [each["schema"] for each in queries()[path] if each["name"] == "sort"] or [{}]
    return sorted(sort.get("enum", []), key=lambda order: order != sort["default"])


ORDERED: Final = [(path, sort) for path in queries() for sort in orders_of(path)]
AT: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def some_of_each(client: httpx.AsyncClient, who: Account, owner_url: str) -> dict[str, str]:
    """Seven items in each list, several of one instant; ids for the paths of the lists."""
    events = [an_event(started_at=(AT - timedelta(hours=n // 3)).isoformat()) for n in range(7)]
    events += [an_event(type="mood.guessed") for _ in range(7)]
    await client.post("/api/v1/events/batch", json={"events": events}, headers=who.headers)
    named = {"username": who.username, "password": "a sentence that one remembers"}
    for _ in range(6):
        await client.post("/api/v1/auth/login", json=named)
        await log_in(client)
    made = {"url": "https://example.org/x", "event_types": ["insights.made"]}
    with psycopg.connect(owner_url, autocommit=True) as owner:
        webhook_id, now = uuid4(), datetime.now(UTC)
        owner.execute(
            "insert into app.webhooks (webhook_id, user_id, url, event_types, epoch, position, created_at, updated_at)"
            " values (%s, %s, %s, %s, '', 0, %s, %s)",
            (webhook_id, who.user_id, made["url"], made["event_types"], now, now),
        )
        for number in range(7):
            owner.execute(
                "insert into app.webhook_deliveries (delivery_id, webhook_id, type, body, created_at, next_attempt_at)"
                " values (%s, %s, 'webhook.tested', '{}', %s, %s)",
                (uuid4(), webhook_id, AT + timedelta(hours=number // 3), now),
            )
    return {"webhook_id": str(webhook_id)}


async def pages(
    client: httpx.AsyncClient, who: Account, path: str, limit: int, **query: str
) -> AsyncIterator[list[dict[str, Any]]]:
    cursor: dict[str, str] = {}
    while True:
        answer = await client.get(path, params={"limit": limit, **query, **cursor}, headers=who.headers)
        assert answer.status_code == 200, answer.text
        yield answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            return
        cursor = {"cursor": answer.json()["next_cursor"]}


@pytest.mark.parametrize(("path", "sort"), ORDERED)
async def test_pages_follow_each_other_in_every_order(
    client: httpx.AsyncClient, api_database: str, path: str, sort: str
) -> None:
    admin = await with_role(client, api_database, "admin")
    ids = await some_of_each(client, admin, api_database)
    path, field = path.format(**ids), sort.removeprefix("-")

    whole = [item async for page in pages(client, admin, path, 500, sort=sort) for item in page]
    # Of a list that others fill meanwhile the beginning alone.
    seen = []
    async for page in pages(client, admin, path, 2, sort=sort):
        seen += page
        if len(seen) >= 40:
            break
    values = [item[field] for item in whole]

    assert len(whole) >= 7
    assert seen == whole[: len(seen)]
    assert len(seen) in {len(whole), 40}
    # Names are ordered as Postgres orders words; the two ways are each other's mirror.
    if field == "username":
        other = [
            item[field]
            async for page in pages(client, admin, path, 500, sort=mirrored(sort))
            for item in page
        ]
        assert other[::-1] == values
    else:
        instants = [datetime.fromisoformat(value) for value in values]
        assert instants == sorted(instants, reverse=sort.startswith("-"))


def mirrored(sort: str) -> str:
    return sort[1:] if sort.startswith("-") else f"-{sort}"


@pytest.mark.parametrize(("path", "sort"), ORDERED)
async def test_a_cursor_of_another_order_is_refused(
    client: httpx.AsyncClient, api_database: str, path: str, sort: str
) -> None:
    admin = await with_role(client, api_database, "admin")
    ids = await some_of_each(client, admin, api_database) if "{" in path else {}
    path = path.format(**ids)
    given = encode_cursor(mirrored(sort), AT, uuid4())

    refused = await client.get(path, params={"sort": sort, "cursor": given}, headers=admin.headers)
    unnamed = await client.get(path, params={"sort": "luck"}, headers=admin.headers)

    assert (refused.status_code, refused.json()["code"]) == (400, "cursor-invalid")
    assert (unnamed.status_code, unnamed.json()["errors"][0]["location"]) == (422, "query.sort")


@pytest.mark.parametrize("name", ["a\x00", "\ud800", 7, None, ["a"]])
async def test_a_cursor_that_nobody_gave_is_refused(
    client: httpx.AsyncClient, api_database: str, name: Any
) -> None:
    admin = await with_role(client, api_database, "admin")
    given = base64.urlsafe_b64encode(json.dumps(["username", name, str(uuid4())]).encode()).decode()

    answer = await client.get(
        "/api/v1/admin/users", params={"sort": "username", "cursor": given}, headers=admin.headers
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "cursor-invalid")


async def test_filters_and_order_combine(client: httpx.AsyncClient, ada: Account) -> None:
    kinds = (("energy.rated", {"energy": 5}), ("mood.rated", {"valence": 0.5}))
    events = [
        an_event(started_at=f"2026-03-0{day}T10:00:00Z", type=kind, payload=payload)
        for day in (1, 2, 3, 4)
        for kind, payload in kinds
    ]
    await client.post("/api/v1/events/batch", json={"events": events}, headers=ada.headers)

    query = {"type": "mood.rated", "from": "2026-03-02T00:00:00Z", "sort": "started_at"}
    seen = [each async for page in pages(client, ada, "/api/v1/events", 2, **query) for each in page]

    assert [(each["type"], each["local_date"]) for each in seen] == [
        ("mood.rated", "2026-03-02"),
        ("mood.rated", "2026-03-03"),
        ("mood.rated", "2026-03-04"),
    ]


Asked = Callable[[psycopg.AsyncConnection[Any], Order], Any]
SOMEBODY: Final = UUID("00000000-0000-0000-0000-000000000007")
PLANNED: Final[list[tuple[str, str, Asked]]] = [
    ("created_at", "ix_users_created_at", lambda to, by: list_accounts(to, AccountsWanted(), by, 3)),
    ("username", "uq_users_username", lambda to, by: list_accounts(to, AccountsWanted(), by, 3)),
    ("at", "ix_audit_at", lambda to, by: list_rows(to, RowsWanted(), by, 3)),
    ("at", "ix_audit_actor_id", lambda to, by: list_rows(to, RowsWanted(actor_id=SOMEBODY), by, 3)),
    (
        "at",
        "ix_audit_subject_user_id",
        lambda to, by: list_rows(to, RowsWanted(subject_user_id=SOMEBODY), by, 3),
    ),
    (
        "created_at",
        "ix_webhook_deliveries_webhook_id_created_at",
        lambda to, by: list_deliveries(to, SOMEBODY, state=None, order=by, limit=3),
    ),
    (
        "received_at",
        "ix_rejected_events_user_id_received_at",
        lambda to, by: list_letters(
            to,
            LettersWanted(user_id=SOMEBODY, is_waiting=False),
            limit=3,
            after=(AT, 7) if by.after else None,
            is_descending=by.is_descending,
        ),
    ),
]


class PlanningCursor(psycopg.AsyncCursor[Any]):
    """Notes how each statement is planned."""

    plans: Final[list[str]] = []

    async def execute(self, query: Any, params: Any = None, **options: Any) -> PlanningCursor:
        text = query if isinstance(query, str) else query.as_string(self)
        planning = psycopg.AsyncCursor(self.connection)
        await planning.execute(cast("Any", f"explain (costs off) {text}"), params)
        self.plans.append("\n".join(row[0] for row in await planning.fetchall()))
        await super().execute(cast("Any", query), params, **options)
        return self


@pytest.mark.parametrize("way", ["", "-"])
@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize(("field", "index", "ask"), PLANNED)
async def test_a_page_is_read_in_the_order_of_an_index(
    committed_database: str, field: str, index: str, ask: Asked, way: str, *, is_first: bool
) -> None:
    after = None if is_first else ("ada" if field == "username" else AT, UUID(int=7))
    async with await psycopg.AsyncConnection.connect(committed_database) as connection:
        # Tables of tests are so small that reading and sorting all of them would be the better plan.
        for setting in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
            await connection.execute(f"set local {setting} = off")
        connection.cursor_factory = PlanningCursor
        await ask(connection, Order(f"{way}{field}", after))

    plan = PlanningCursor.plans.pop()
    assert index in plan
    # Within one value of the field only; never all that there is.
    assert "Sort" not in plan.replace("Incremental Sort", "").replace("Sort Key", ""), plan


def documented_lists() -> dict[str, tuple[str, str]]:
    """The table of docs/api.md: filters and order of each list."""
    table = DOCS.partition("<!-- lists:")[2].partition("<!-- end of lists -->")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| `GET")]
    return {row[0].strip("`").removeprefix("GET "): (row[1], row[2]) for row in rows}


def test_the_docs_name_the_filters_and_the_order_of_every_list() -> None:
    told = documented_lists()
    named = {path: re.findall(r"`([^`]+)`", filters) for path, (filters, _) in told.items()}
    orders = {path: re.findall(r"`([^`]+)`", order) for path, (_, order) in told.items()}

    assert named == {
        path: [each["name"] for each in parameters if each["name"] not in PAGING]
        for path, parameters in queries().items()
    }
    assert orders == {path: orders_of(path) for path in queries()}
    # One that cannot be ordered says by what it is.
    assert [path for path, (_, order) in told.items() if not order.strip()] == []


def test_every_filter_is_optional() -> None:
    assert [each["name"] for found in queries().values() for each in found if each["required"]] == []
