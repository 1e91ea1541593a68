"""Predictions: who answers, what is remembered, and how a new model comes in while the API runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import httpx
import psycopg
import pytest
import redis.asyncio
from psycopg.types.json import Jsonb

from aurora.predictions.artifact import digest
from aurora.predictions.kept import forget_predictions, keep_prediction, prediction_body
from aurora.predictions.prediction import ModelSource, Prediction, Reason, Shares
from aurora.settings import Settings
from serving.app import create_app
from serving.predictions.schemas import PredictionRead
from tests.aurora.models.people import an_energy_artifact
from tests.serving.conftest import Account, an_event, log_in, quick, running
from tests.serving.streamed import stream

PUBLISH: LiteralString = """
    with artifact as (
        insert into predictions.model_artifacts (model_name, model_version, artifact, sha256, metadata)
        values (%(name)s, %(version)s, %(artifact)s, %(sha256)s, '{}') on conflict do nothing
    )
    insert into predictions.model_aliases (model_name, alias, model_version)
    values (%(name)s, 'champion', %(version)s)
    on conflict (model_name, alias) do update set model_version = excluded.model_version
"""


def publish(url: str, version: str, artifact: bytes, *, sha256: str | None = None) -> None:
    values = {
        "name": "energy",
        "version": version,
        "artifact": artifact,
        "sha256": sha256 or digest(artifact),
    }
    with psycopg.connect(url) as connection:
        connection.execute(PUBLISH, values)
        connection.execute("notify aurora_models, 'energy'")


def withdraw(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("delete from predictions.model_aliases")
        connection.execute("delete from predictions.model_artifacts")
        connection.execute("notify aurora_models, 'energy'")


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """An API of its own for each test: models and caches do not travel."""
    async with running(create_app(settings, quick())) as client:
        yield client


async def live_days(client: httpx.AsyncClient, who: Account, days: int = 10) -> None:
    """Two weeks of ratings and nights."""
    now = datetime.now(UTC)
    events = []
    for ago in range(1, days + 1):
        at = (now - timedelta(days=ago)).isoformat()
        night = {"started_at": (now - timedelta(days=ago, hours=8)).isoformat(), "ended_at": at}
        events += [
            an_event(started_at=at, payload={"energy": 6.0}),
            an_event(type="mood.rated", started_at=at, payload={"valence": 0.4}),
            an_event(type="sleep.recorded", payload={"asleep_minutes": 440}, **night),
        ]
    answer = await client.post("/api/v1/events/batch", json={"events": events}, headers=who.headers)
    assert answer.json()["counts"] == {"accepted": 3 * days}


async def energy(client: httpx.AsyncClient, who: Account) -> dict[str, Any]:
    answer = await client.get("/api/v1/predictions/energy", headers=who.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_without_any_history_nobody_answers_and_it_says_why(api: httpx.AsyncClient) -> None:
    ada = await log_in(api)

    for target in ("energy", "mood"):
        answer = (await api.get(f"/api/v1/predictions/{target}", headers=ada.headers)).json()
        assert answer["model_source"] == "none"
        assert answer["value"] is None
        assert answer["interval"] is None
        assert "Nothing is known" in answer["explanation"]


async def test_without_a_trained_model_the_baseline_answers_and_says_so(api: httpx.AsyncClient) -> None:
    ada = await log_in(api)
    await live_days(api, ada)

    answer = await energy(api, ada)
    mood = (await api.get("/api/v1/predictions/mood", headers=ada.headers)).json()

    assert answer["model_source"] == "baseline"
    assert answer["value"] == pytest.approx(6.0)
    assert answer["baseline"] == {"name": "ewma", "value": pytest.approx(6.0)}
    assert answer["model_version"] is None
    assert "no trained energy model" in answer["explanation"]
    assert mood["model_source"] == "baseline"
    assert mood["class"] == "positive"
    assert sum(mood["probabilities"].values()) == pytest.approx(1)


async def test_a_published_champion_answers_with_interval_reasons_and_version(
    api: httpx.AsyncClient, api_database: str
) -> None:
    ada = await log_in(api)
    await live_days(api, ada)
    publish(api_database, "7", an_energy_artifact())

    answer = await energy(api, ada)
    withdraw(api_database)

    assert (answer["model_source"], answer["model_version"]) == ("model", "7")
    told = sum(reason["contribution"] for reason in answer["reasons"])
    assert answer["shares"]["base"] + told + answer["shares"]["others"] == pytest.approx(
        answer["value"], abs=1e-4
    )
    assert 0 <= answer["interval"]["lower"] <= answer["value"] <= answer["interval"]["upper"] <= 10
    assert answer["baseline"]["name"] == "ewma"
    assert "Version 7" in answer["explanation"]


async def test_a_moved_alias_changes_who_answers_while_the_api_runs(
    api: httpx.AsyncClient, api_database: str
) -> None:
    ada = await log_in(api)
    await live_days(api, ada)
    publish(api_database, "1", an_energy_artifact())
    first = await energy(api, ada)

    publish(api_database, "2", an_energy_artifact(seed=2))
    second = await until_version(api, ada, "2")
    publish(api_database, "3", b"no artifact at all")
    await asyncio.sleep(0.3)
    third = await asked_anew(api, ada)
    withdraw(api_database)

    assert first["model_version"] == "1"
    assert second["model_version"] == "2"
    assert third["model_version"] == "2", "a damaged artifact must not take away the model that works"


async def test_no_request_is_dropped_while_champions_change_under_load(
    api: httpx.AsyncClient, api_database: str
) -> None:
    people = [await log_in(api) for _ in range(6)]
    for who in people:
        await live_days(api, who)
    publish(api_database, "1", an_energy_artifact())
    first = await energy(api, people[0])
    last = "5"

    async def ask_until_the_last(who: Account) -> list[int]:
        versions: list[int] = []
        while versions[-1:] != [int(last)]:
            answer = await energy(api, who)
            assert answer["model_source"] == "model"
            versions.append(int(answer["model_version"]))
        return versions

    asking = [asyncio.create_task(ask_until_the_last(who)) for who in people for _ in range(2)]
    for version in range(2, int(last) + 1):
        await asyncio.sleep(0.1)
        await asyncio.to_thread(publish, api_database, str(version), an_energy_artifact(seed=version))
    async with asyncio.timeout(30):
        told = await asyncio.gather(*asking)
    withdraw(api_database)

    assert all(versions == sorted(versions) for versions in told), "a champion that was replaced came back"
    assert first["model_version"] == "1"


async def test_with_mlflow_away_the_champion_answers_also_after_a_restart(
    settings: Settings, api_database: str
) -> None:
    without_mlflow = settings.model_copy(update={"mlflow_uri": "http://127.0.0.1:9"})
    publish(api_database, "4", an_energy_artifact())
    async with running(create_app(without_mlflow, quick())) as client:
        ada = await log_in(client)
        await live_days(client, ada)
        before = await energy(client, ada)
    async with running(create_app(without_mlflow, quick())) as restarted:
        after = await asked_anew(restarted, ada)
    withdraw(api_database)

    assert (before["model_source"], before["model_version"]) == ("model", "4")
    assert (after["model_source"], after["model_version"]) == ("model", "4")


async def asked_anew(client: httpx.AsyncClient, who: Account) -> dict[str, Any]:
    """The answer after an event, which makes the cached one worthless."""
    await client.post("/api/v1/events", json=an_event(payload={"energy": 6.0}), headers=who.headers)
    return await energy(client, who)


async def until_version(client: httpx.AsyncClient, who: Account, version: str) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    for _ in range(50):
        answer = await asked_anew(client, who)
        if answer["model_version"] == version:
            break
        await asyncio.sleep(0.1)
    return answer


async def test_the_models_of_a_simulation_do_not_answer_for_real_people(
    api: httpx.AsyncClient, api_database: str
) -> None:
    publish(api_database, "5", an_energy_artifact())
    ada = await log_in(api)
    # Before her first request: of whoever has asked, the API hears a moment later that they changed.
    with psycopg.connect(api_database) as connection:
        connection.execute(
            "update app.users set cohort = 'simulated-seed7' where user_id = %s", (ada.user_id,)
        )
    await live_days(api, ada)

    answer = await energy(api, ada)
    withdraw(api_database)

    assert answer["model_source"] == "baseline"


async def test_an_answer_is_cached_until_the_next_event(api: httpx.AsyncClient, api_database: str) -> None:
    ada = await log_in(api)
    await live_days(api, ada)
    first, again = await energy(api, ada), await energy(api, ada)

    await api.post("/api/v1/events", json=an_event(payload={"energy": 1.0}), headers=ada.headers)
    after = await energy(api, ada)

    assert again["as_of"] == first["as_of"]
    assert after["as_of"] > first["as_of"]
    assert after["value"] < first["value"]
    with psycopg.connect(api_database) as connection:
        stored = connection.execute(
            "select origin, model_source, features ? 'energy_ewma_28d' from predictions.predictions"
            " where user_id = %s order by as_of",
            (ada.user_id,),
        ).fetchall()
    assert stored == [("api", "baseline", True)] * 2


async def test_an_unchanged_answer_is_not_sent_twice(api: httpx.AsyncClient) -> None:
    ada = await log_in(api)
    first = await api.get("/api/v1/predictions/energy", headers=ada.headers)

    tag = {"If-None-Match": first.headers["etag"]}
    second = await api.get("/api/v1/predictions/energy", headers=ada.headers | tag)

    assert second.status_code == 304
    assert second.content == b""
    assert second.headers["etag"] == first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"


async def test_what_the_streams_predicted_is_served_as_they_put_it(
    api: httpx.AsyncClient, settings: Settings
) -> None:
    ada = await log_in(api)
    predicted = Prediction(
        model_name="energy", model_version=None, model_source="baseline", value=7.5, lower=None, upper=None,
        baseline=7.0, baseline_name="ewma", reasons=(Reason("f", 1.0, "", 0.5, "f goes up"),),
    )  # fmt: skip
    as_of = datetime(2026, 3, 29, 14, 30, tzinfo=UTC)
    async with (
        redis.asyncio.Redis.from_url(settings.redis_url) as client,
        client.pipeline(transaction=False) as pipe,
    ):
        tokens = forget_predictions(pipe, UUID(ada.user_id))
        keep_prediction(pipe, UUID(ada.user_id), tokens, predicted, as_of, as_of.date())
        await pipe.execute()

    answer = await energy(api, ada)

    assert (answer["value"], answer["as_of"]) == (7.5, "2026-03-29T14:30:00Z")
    assert answer["reasons"][0]["sentence"] == "f goes up"


@pytest.mark.parametrize("source", ["model", "baseline", "none"])
def test_a_prediction_is_told_as_its_schema_says(source: ModelSource) -> None:
    is_known = source != "none"
    predicted = Prediction(
        model_name="mood", model_version="3" if source == "model" else None, model_source=source,
        value=0.25 if is_known else None, lower=-0.5 if source == "model" else None,
        upper=1.0 if source == "model" else None, baseline=0.1 if is_known else None,
        baseline_name="ewma" if is_known else None, class_name="neutral" if is_known else None,
        probabilities={"neutral": 1.0} if is_known else None,
        reasons=(Reason("f", None, "min", 0.5, "f goes up"),) if is_known else (),
        shares=Shares(0.1, -0.25, 0.35) if source == "model" else None,
    )  # fmt: skip
    as_of = datetime(2026, 3, 29, 14, 30, 0, 123456, tzinfo=UTC)

    body = prediction_body(predicted, as_of, as_of.date())

    assert PredictionRead.model_validate_json(body).model_dump_json(by_alias=True).encode() == body


async def test_after_a_promotion_what_the_model_before_said_is_not_told(
    api: httpx.AsyncClient, api_database: str
) -> None:
    ada = await log_in(api)
    await live_days(api, ada)
    publish(api_database, "1", an_energy_artifact())
    first = await energy(api, ada)
    publish(api_database, "2", an_energy_artifact(seed=2))
    async with asyncio.timeout(10):
        while (second := await energy(api, ada))["model_version"] != "2":
            pass
    withdraw(api_database)

    assert first["model_version"] == "1"
    assert second["as_of"] > first["as_of"]


async def test_the_live_vector_is_the_same_from_redis_and_from_the_log(
    api: httpx.AsyncClient, settings: Settings, api_database: str
) -> None:
    ada = await log_in(api)
    await live_days(api, ada)
    from_log = (await api.get("/api/v1/features/latest", headers=ada.headers)).json()

    await stream(settings, api_database, ada)
    live = (await api.get("/api/v1/features/latest", headers=ada.headers)).json()
    await api.post("/api/v1/events", json=an_event(payload={"energy": 1.0}), headers=ada.headers)
    newest = (await api.get("/api/v1/features/latest", headers=ada.headers)).json()

    assert (from_log["source"], live["source"]) == ("log", "live")
    assert live["features"]["avg_sleep_last_7d"] == from_log["features"]["avg_sleep_last_7d"] == 440
    assert live["features"]["energy_ewma_28d"] == pytest.approx(
        from_log["features"]["energy_ewma_28d"], abs=1e-9
    )
    # What the streams have not seen yet is seen all the same.
    assert newest["source"] == "log"
    assert newest["features"]["energy_last_28d"] == 1.0


async def test_what_the_streams_have_not_seen_is_read_day_by_day(
    api: httpx.AsyncClient, settings: Settings, api_database: str
) -> None:
    ada = await log_in(api)
    await live_days(api, ada)
    user_id, now = UUID(ada.user_id), datetime.now(UTC)
    moved = an_event(started_at=(now - timedelta(days=3)).isoformat(), payload={"energy": 1.0})
    await api.post("/api/v1/events", json=moved, headers=ada.headers)
    await stream(settings, api_database, ada)
    # A correction leaves one day for another; a new event comes to a third.
    corrected = moved | {"version": 2, "started_at": (now - timedelta(days=5)).isoformat()}
    for event in (corrected, an_event(payload={"energy": 2.0})):
        answer = await api.post("/api/v1/events", json=event, headers=ada.headers)
        assert answer.status_code == 201, answer.text
    of_days = (await api.get("/api/v1/features/latest", headers=ada.headers)).json()
    with psycopg.connect(api_database) as connection:
        connection.execute(
            "insert into raw.outbox (topic, user_id, body) values ('aurora.events.accepted.v1', %s, %s)",
            (user_id, Jsonb({"local_date": "some day", "event_id": "-" * 36})),
        )
    of_all = (await api.get("/api/v1/features/latest", headers=ada.headers)).json()

    assert (of_days["source"], of_all["source"]) == ("log", "log")
    # Hours count on between the two.
    assert of_days["features"] == pytest.approx(of_all["features"], abs=0.02)
    assert of_days["features"]["energy_last_28d"] == 2.0


async def test_predictions_need_a_login(api: httpx.AsyncClient) -> None:
    for path in ("predictions/energy", "predictions/mood", "features/latest", "scores", "timeline"):
        assert (await api.get(f"/api/v1/{path}")).status_code == 401
