"""Catalogues, the timeline and scores."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import psycopg
import pytest
from psycopg import sql

from aurora.events.catalogue import EVENT_TYPES
from aurora.features.catalogue import FEATURES
from aurora.scores.catalogue import SCORES
from tests.serving.conftest import Account, an_event, log_in


async def test_the_catalogue_of_events_is_served_with_json_schemas(client: httpx.AsyncClient) -> None:
    kinds = {kind["name"]: kind for kind in (await client.get("/api/v1/event-types")).json()}

    assert set(kinds) == set(EVENT_TYPES)
    energy = kinds["energy.rated"]["payload_schema"]["properties"]["energy"]
    assert (energy["minimum"], energy["maximum"]) == (0, 10)
    assert kinds["energy.rated"] == (await client.get("/api/v1/event-types/energy.rated")).json()
    missing = await client.get("/api/v1/event-types/mood.guessed")
    assert (missing.status_code, missing.json()["code"]) == (404, "event-type-unknown")


async def test_every_feature_and_score_is_defined_on_the_api(client: httpx.AsyncClient) -> None:
    features = {
        feature["name"]: feature for feature in (await client.get("/api/v1/features/definitions")).json()
    }
    scores = {score["name"]: score for score in (await client.get("/api/v1/scores/definitions")).json()}

    assert set(features) == set(FEATURES)
    assert features["avg_sleep_last_7d"]["used_by"] == ["energy", "mood"]
    assert set(scores) == set(SCORES)
    assert all(score["sources"] and score["factors"] for score in scores.values())


async def test_the_timeline_is_by_the_persons_own_days(client: httpx.AsyncClient, ada: Account) -> None:
    # 23:30 UTC is the next day in Oslo; the night before belongs to the day of waking.
    late = an_event(started_at="2026-03-10T23:30:00Z")
    night = an_event(
        type="sleep.recorded",
        payload={"asleep_minutes": 400},
        started_at="2026-03-09T22:00:00+01:00",
        ended_at="2026-03-10T06:00:00+01:00",
    )
    await client.post("/api/v1/events/batch", json={"events": [late, night]}, headers=ada.headers)

    query = {"from": "2026-03-05", "to": "2026-03-12"}
    timeline = (await client.get("/api/v1/timeline", params=query, headers=ada.headers)).json()

    assert [(day["local_date"], day["events"][0]["type"]) for day in timeline["days"]] == [
        ("2026-03-11", "energy.rated"),
        ("2026-03-10", "sleep.recorded"),
    ]
    assert timeline["next_to"] == "2026-03-04"


async def test_the_timeline_shows_one_of_two_reports_of_a_night_and_all_when_asked(
    client: httpx.AsyncClient, ada: Account
) -> None:
    span = {"started_at": "2026-03-09T22:00:00+01:00", "ended_at": "2026-03-10T06:00:00+01:00"}
    diary = an_event(type="sleep.recorded", payload={"asleep_minutes": 480}, **span)
    sensed = {"name": "ring", "modality": "sensed"}
    ring = an_event(type="sleep.recorded", payload={"asleep_minutes": 431}, source=sensed, **span)
    await client.post("/api/v1/events/batch", json={"events": [diary, ring]}, headers=ada.headers)

    async def shown(view: str | None = None) -> dict[str, str | None]:
        query = {"from": "2026-03-10", "to": "2026-03-10"} | ({"view": view} if view else {})
        answer = (await client.get("/api/v1/timeline", params=query, headers=ada.headers)).json()
        return {event["event_id"]: event["outranked_by"] for event in answer["days"][0]["events"]}

    assert await shown() == await shown("reconciled") == {ring["event_id"]: None}
    assert await shown("raw") == {ring["event_id"]: None, diary["event_id"]: ring["event_id"]}
    deleted = ring | {"version": 2, "is_deleted": True, "payload": {}}
    await client.post("/api/v1/events", json=deleted, headers=ada.headers)
    assert await shown() == {diary["event_id"]: None}


async def test_a_view_that_does_not_exist_is_refused(client: httpx.AsyncClient, ada: Account) -> None:
    answer = await client.get("/api/v1/timeline", params={"view": "cooked"}, headers=ada.headers)

    assert answer.status_code == 422
    assert "view" in answer.text


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2026-03-05", "to": "2026-03-01"},
        {"from": "2026-01-01", "to": "2026-03-01"},
        {"to": "0001-01-01"},
        {"from": "0001-01-01", "to": "0001-01-02"},
        {"from": "soon"},
        {"from": "9999-12-31"},
    ],
)
async def test_a_span_of_days_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, ada: Account, query: dict[str, str]
) -> None:
    for path in ("timeline", "scores/history"):
        answer = await client.get(f"/api/v1/{path}", params=query, headers=ada.headers)
        assert answer.status_code in {200, 422}
    assert (await client.get("/api/v1/timeline", params=query, headers=ada.headers)).status_code == 422


async def test_before_the_first_build_there_are_no_scores(client: httpx.AsyncClient, ada: Account) -> None:
    assert (await client.get("/api/v1/scores", headers=ada.headers)).json() == []
    assert (await client.get("/api/v1/scores/history", headers=ada.headers)).json() == []
    unknown = await client.get("/api/v1/scores/history", params={"name": "luck"}, headers=ada.headers)
    assert unknown.status_code == 404


@pytest.fixture
def mart_of_scores(api_database: str) -> Iterator[str]:
    """`marts.scores` as the warehouse builds it, readable by the API."""
    with psycopg.connect(api_database) as connection:
        connection.execute("set role aurora_pipelines")
        connection.execute(
            "create table marts.scores (user_id uuid, local_date date, score_name text, score float8,"
            " score_state text, coverage float8, factors jsonb, version int, tz text, as_of timestamptz)"
        )
    yield api_database
    with psycopg.connect(api_database) as connection:
        connection.execute("set role aurora_pipelines")
        connection.execute("drop table marts.scores")


async def test_scores_come_from_the_warehouse_of_the_newest_day_that_says_something(
    client: httpx.AsyncClient, ada: Account, mart_of_scores: str
) -> None:
    factors = (
        '[{"name": "duration", "value": 7.1, "unit": "h", "goal": "7 to 9 h", "points": 100, "weight": 40,'
    )
    factors += ' "contribution": 40}]'
    insert = sql.SQL(
        "insert into marts.scores"
        " values (%(user)s, %(day)s, %(name)s, %(score)s, %(state)s, 0.8, %(factors)s, 1,"
        " 'Europe/Oslo', now())"
    )
    bo = await log_in(client)
    with psycopg.connect(mart_of_scores) as connection:
        connection.execute("set role aurora_pipelines")
        for who, day, name, score, state in (
            (ada, "2026-03-01", "sleep", 80.0, "SCORED"),
            (ada, "2026-03-02", "sleep", 90.0, "SCORED"),
            (ada, "2026-03-02", "mood", None, "CALIBRATING"),
            (ada, "2026-03-02", "social", None, "UNSCORABLE"),
            # What every day has before it has told anything.
            (ada, "2026-03-03", "sleep", None, "UNSCORABLE"),
            (ada, "2026-03-03", "mood", None, "UNSCORABLE"),
            (ada, "2026-03-03", "social", None, "UNSCORABLE"),
            (bo, "2026-03-03", "sleep", 10.0, "SCORED"),
        ):
            values = {"user": who.user_id, "day": day, "name": name, "score": score, "state": state}
            connection.execute(insert, values | {"factors": factors})

    latest = (await client.get("/api/v1/scores", headers=ada.headers)).json()
    query = {"name": "sleep", "from": "2026-02-20", "to": "2026-03-10"}
    history = (await client.get("/api/v1/scores/history", params=query, headers=ada.headers)).json()

    assert [
        (score["name"], score["local_date"][8:], score["score"], score["score_state"]) for score in latest
    ] == [
        ("mood", "02", None, "CALIBRATING"),
        ("sleep", "02", 90.0, "SCORED"),
        ("social", "03", None, "UNSCORABLE"),
    ]
    assert latest[1]["factors"][0]["goal"] == "7 to 9 h"
    assert [score["local_date"] for score in history] == ["2026-03-03", "2026-03-02", "2026-03-01"]


async def test_a_mart_of_another_shape_is_no_scores_and_no_error(
    client: httpx.AsyncClient, ada: Account, mart_of_scores: str
) -> None:
    with psycopg.connect(mart_of_scores) as connection:
        connection.execute("alter table marts.scores rename column score_name to another")

    assert (await client.get("/api/v1/scores", headers=ada.headers)).json() == []
    with psycopg.connect(mart_of_scores) as connection:
        connection.execute("alter table marts.scores rename column another to score_name")
