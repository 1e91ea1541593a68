"""From an event posted to the API to live features, prediction and WebSocket, over real services."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from tests.end_to_end.conftest import DEADLINE_SECONDS, Person, System, somebody


async def test_event_changes_live_features_prediction_and_websocket(system: System) -> None:
    ada = await somebody(system)
    await first_event(ada)
    latencies = [await post_and_follow(ada, energy) for energy in (3.0, 9.0, 5.5, 7.0, 1.0)]
    print("post → WebSocket, ms:", ", ".join(f"{seconds * 1000:.0f}" for seconds in sorted(latencies)))  # noqa: T201  # a figure for people


async def test_the_delay_of_events_is_measured(system: System) -> None:
    ada = await somebody(system)
    await first_event(ada)
    metrics = (await ada.client.get("/metrics")).text

    assert "aurora_streams_event_delay_seconds_count" in metrics
    assert 'aurora_streams_messages_consumed_total{outcome="effective"}' in metrics


async def first_event(person: Person) -> None:
    async with person.socket() as socket:
        began = time.monotonic()
        await person.post()
        await next_message(socket, "predictions", person)
        print(f"first event after the start, with the group's join: {time.monotonic() - began:.2f} s")  # noqa: T201  # a figure for people


async def post_and_follow(person: Person, energy: float) -> float:
    before = await person.get("features/latest")
    async with person.socket() as socket:
        began = time.monotonic()
        await person.post(payload={"energy": energy})
        message = await next_message(socket, "predictions", person, model="energy")
        seconds = time.monotonic() - began
    after = await person.get("features/latest")
    served = await person.get("predictions/energy")
    assert after["features"]["energy_last_28d"] == energy
    assert before["features"]["energy_last_28d"] != energy
    assert served["as_of"] == message["as_of"].replace("+00:00", "Z")
    assert served["value"] == message["value"]
    assert served["model_source"] == "baseline"
    return seconds


async def next_message(socket: Any, subject: str, person: Person, model: str | None = None) -> dict[str, Any]:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            message = json.loads(await socket.recv())
            if message.get("topic") == f"user:{person.user_id}:{subject}" and (
                model is None or message["model_name"] == model
            ):
                return message
