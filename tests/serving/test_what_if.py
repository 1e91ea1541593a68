"""What-if on the API: answers from a person's own days, refusals with a reason, and nothing kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import httpx
import psycopg
import pytest

from aurora.predictions.changes import CHANGES
from aurora.settings import Settings
from serving.app import create_app
from serving.predictions.what_if_schemas import ChangeName
from tests.aurora.predictions.days import a_fit
from tests.serving.conftest import Account, an_event, log_in, quick, running
from tests.serving.test_predictions import live_days, publish, withdraw

PATH = "/api/v1/predictions/what-if"


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with running(create_app(settings, quick())) as client:
        yield client


@pytest.fixture(scope="module")
def artifact() -> bytes:
    return a_fit().pack()


@pytest.fixture
def champion(api_database: str, artifact: bytes) -> Iterator[None]:
    publish(api_database, "7", artifact)
    yield
    withdraw(api_database)


async def ask(
    client: httpx.AsyncClient, who: Account, *changes: dict[str, Any], **body: Any
) -> httpx.Response:
    question = {"target": "energy", "changes": list(changes), **body}
    return await client.post(PATH, json=question, headers=who.headers)


def sleeping(minutes: float) -> dict[str, Any]:
    return {"change": "sleep_minutes", "value": minutes}


@pytest.mark.usefixtures("champion")
async def test_the_model_answers_with_intervals_and_in_honest_words(api: httpx.AsyncClient) -> None:
    ada = await log_in(api)
    await live_days(api, ada)

    answer = await ask(api, ada, sleeping(480))

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert body["difference"]["value"] == pytest.approx(body["after"]["value"] - body["before"]["value"])
    assert body["difference"]["lower"] <= body["difference"]["value"] <= body["difference"]["upper"]
    assert body["model_version"] == "7"
    assert body["checked_with"] == ["you", "people"]
    assert body["evidence"] == "association"
    assert "an association, not an experiment" in body["sentence"]
    assert body["features"]["avg_sleep_last_7d"]["after"] > body["features"]["avg_sleep_last_7d"]["before"]


@pytest.mark.usefixtures("champion")
async def test_what_is_answered_before_the_change_is_what_the_prediction_says(api: httpx.AsyncClient) -> None:
    ada = await log_in(api)
    await live_days(api, ada)

    asked = (await ask(api, ada, sleeping(440))).json()
    predicted = (await api.get("/api/v1/predictions/energy", headers=ada.headers)).json()

    # The clock of the second question is a moment later than that of the first.
    assert asked["before"]["value"] == pytest.approx(predicted["value"], abs=0.05)
    assert asked["difference"]["value"] == 0
    assert "about the same energy" in asked["sentence"]


@pytest.mark.usefixtures("champion")
async def test_a_refusal_names_the_change_its_value_and_what_would_be_answered(
    api: httpx.AsyncClient,
) -> None:
    ada = await log_in(api)
    await live_days(api, ada)

    answer = await ask(api, ada, sleeping(720))

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["code"], body["type"]) == (
        "what-if-unsupported",
        "urn:aurora-life:problem:what-if-unsupported",
    )
    problem = body["unsupported"][0]
    assert (problem["change"], problem["value"], problem["because"]) == ("sleep_minutes", 720, "yours")
    assert (problem["lowest"], problem["highest"]) == (395, 485)
    assert "12 h 00 min" in body["detail"]


async def test_without_a_model_there_is_nobody_to_ask(api: httpx.AsyncClient) -> None:
    ada = await log_in(api)
    await live_days(api, ada)

    answer = await ask(api, ada, sleeping(480))

    assert answer.status_code == 409
    assert answer.json()["code"] == "what-if-without-model"
    assert "a baseline cannot say" in answer.json()["detail"]


@pytest.mark.usefixtures("champion")
async def test_without_ratings_the_model_has_nothing_to_start_from(api: httpx.AsyncClient) -> None:
    ada = await log_in(api)
    now = datetime.now(UTC)
    nights = [
        an_event(
            type="sleep.recorded",
            started_at=(now - timedelta(days=ago, hours=8)).isoformat(),
            ended_at=(now - timedelta(days=ago)).isoformat(),
            payload={"asleep_minutes": 440},
        )
        for ago in range(1, 8)
    ]
    await api.post("/api/v1/events/batch", json={"events": nights}, headers=ada.headers)

    answer = await ask(api, ada, sleeping(470))

    assert answer.status_code == 409
    assert "have not rated" in answer.json()["detail"]


@pytest.mark.usefixtures("champion")
async def test_only_ones_own_days_can_be_asked_about(api: httpx.AsyncClient) -> None:
    ada, bob = await log_in(api), await log_in(api)
    await live_days(api, ada)

    anonymous = await api.post(PATH, json={"target": "energy", "changes": [sleeping(470)]})
    named = await ask(api, bob, sleeping(470), user_id=ada.user_id)
    own = await ask(api, bob, sleeping(470))

    assert anonymous.status_code == 401
    assert named.status_code == 422
    assert own.status_code == 422, "bob has no days, whatever ada's are"
    assert own.json()["unsupported"][0]["because"] == "impossible"


@pytest.mark.usefixtures("champion")
async def test_nothing_of_it_is_stored_and_each_question_counts(
    api: httpx.AsyncClient, api_database: str
) -> None:
    ada = await log_in(api)
    await live_days(api, ada)

    first, second = await ask(api, ada, sleeping(470)), await ask(api, ada, sleeping(470))

    assert second.json()["as_of"] > first.json()["as_of"]
    assert "ratelimit" in first.headers
    with psycopg.connect(api_database) as connection:
        stored = connection.execute(
            "select count(*) from predictions.predictions where user_id = %s", (ada.user_id,)
        ).fetchone()
    assert stored == (0,)


@pytest.mark.parametrize(
    "body",
    [
        {"target": "energy", "changes": []},
        {"target": "weight", "changes": [sleeping(480)]},
        {"target": "energy", "changes": [{"change": "energy", "value": 10}]},
        {"target": "energy", "changes": [{"change": "sleep_minutes", "value": "480"}]},
        {"target": "energy", "changes": [{"change": "sleep_minutes", "value": True}]},
        {"target": "energy", "changes": [sleeping(480)] * 6},
        {"target": "energy", "changes": [{"change": "exercise_minutes", "value": 30, "hours_ago": -1}]},
    ],
)
async def test_a_question_that_makes_no_sense_is_not_valid(
    client: httpx.AsyncClient, ada: Account, body: dict[str, Any]
) -> None:
    answer = await client.post(PATH, json=body, headers=ada.headers)

    assert answer.status_code == 422
    assert answer.json()["code"] == "request-invalid"


async def test_what_can_be_changed_is_listed(client: httpx.AsyncClient) -> None:
    listed = (await client.get(f"{PATH}/changes")).json()

    assert [entry["change"] for entry in listed] == list(CHANGES) == list(get_args(ChangeName))
    assert "avg_sleep_last_7d" in listed[0]["features"]
