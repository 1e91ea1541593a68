"""A person reads what the weekly search found in their own days, and why it found nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.types.json import Jsonb

from aurora.settings import Settings
from serving.app import create_app
from tests.serving.conftest import Account, log_in, quick, running

OLD, NEW = date(2026, 11, 15), date(2026, 11, 22)


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with running(create_app(settings, quick())) as client:
        yield client


@pytest.fixture
async def account(api: httpx.AsyncClient) -> Account:
    return await log_in(api)


def store_search(url: str, who: Account, week: date, outcomes: list[str], omitted: Any = ()) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(
            "insert into insights.pattern_searches (user_id, week_ended_date, first_date, told_days, patterns,"
            " tested, omitted, method_version) values (%s, %s, '2026-05-20', 150, %s, %s, %s, 1)",
            (who.user_id, week, len(outcomes), Jsonb({"lagged_correlation": 7}), Jsonb(list(omitted))),
        )
        for place, outcome in enumerate(outcomes, 1):
            connection.execute(
                "insert into insights.patterns (user_id, week_ended_date, place, kind, outcome, subject, timing,"
                " lag_days, direction, estimate, lower, upper, unit, days, effective_n, p_value, q_value, stars,"
                " sentence) values (%s, %s, %s, 'lagged_correlation', %s, 'steps', 'before', 1, 'higher', 0.4, 0.1,"
                " 0.6, 'rho', 90, 71.5, 0.001, 0.02, 2, %s)",
                (who.user_id, week, place, outcome, f"{week} {place}"),
            )


async def read(api: httpx.AsyncClient, who: Account, **query: Any) -> dict[str, Any]:
    answer = await api.get("/api/v1/patterns", headers=who.headers, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_newest_search_is_read_best_first(
    api: httpx.AsyncClient, account: Account, api_database: str
) -> None:
    store_search(api_database, account, OLD, ["energy"])
    store_search(api_database, account, NEW, ["energy", "sleep"])

    body = await read(api, account)

    assert [item["sentence"] for item in body["items"]] == ["2026-11-22 1", "2026-11-22 2"]
    assert body["items"][0]["effective_n"] == 71.5
    assert body["search"]["week_ended_date"] == "2026-11-22"
    assert body["next_cursor"] is None


async def test_an_earlier_week_and_one_outcome_can_be_asked_for(
    api: httpx.AsyncClient, account: Account, api_database: str
) -> None:
    store_search(api_database, account, OLD, ["mood", "energy", "mood"])
    store_search(api_database, account, NEW, ["sleep"])

    body = await read(api, account, week=OLD.isoformat(), outcome="mood", kind="lagged_correlation")

    assert [item["place"] for item in body["items"]] == [1, 3]


async def test_pages_go_on_in_the_week_in_which_they_began(
    api: httpx.AsyncClient, account: Account, api_database: str
) -> None:
    store_search(api_database, account, OLD, ["energy"] * 5)
    first = await read(api, account, limit=2)
    store_search(api_database, account, NEW, ["energy"])
    second = await read(api, account, limit=2, cursor=first["next_cursor"])
    third = await read(api, account, limit=2, cursor=second["next_cursor"])

    places = [item["place"] for page in (first, second, third) for item in page["items"]]
    assert places == [1, 2, 3, 4, 5]
    assert third["next_cursor"] is None


async def test_nobody_reads_the_patterns_of_somebody_else(
    api: httpx.AsyncClient, account: Account, api_database: str
) -> None:
    store_search(api_database, account, NEW, ["energy"])
    other = await log_in(api)

    assert await read(api, other) == {"items": [], "next_cursor": None, "search": None}
    assert (await api.get("/api/v1/patterns")).status_code == 401


async def test_a_search_without_patterns_says_what_was_too_little(
    api: httpx.AsyncClient, account: Account, api_database: str
) -> None:
    omitted = {
        "kind": "lagged_correlation",
        "outcome": "energy",
        "subject": "steps",
        "reason": "few_days",
        "days": 9,
    }
    store_search(api_database, account, NEW, [], [omitted])

    body = await read(api, account)

    assert body["items"] == []
    assert body["search"]["omitted"] == [omitted]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"cursor": "bm90IGEgY3Vyc29y"}, 400, "cursor-invalid"),
        ({"outcome": "wealth"}, 422, "request-invalid"),
        ({"week": "last"}, 422, "request-invalid"),
        ({"limit": 0}, 422, "request-invalid"),
    ],
)
async def test_a_question_that_makes_no_sense_is_a_problem(
    api: httpx.AsyncClient, account: Account, query: dict[str, Any], status: int, code: str
) -> None:
    answer = await api.get("/api/v1/patterns", headers=account.headers, params=query)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
