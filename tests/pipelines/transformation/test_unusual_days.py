"""Days that are told in an unusual way, through the whole warehouse: zeros of a sensor, naps, weeks with gaps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from aurora.events.acceptance import AcceptedEvent
from tests.pipelines.transformation.conftest import Warehouse
from tests.pipelines.transformation.lives import RECEIVED_AT, Received, store

TODAY = date(2026, 4, 6)
_SCORE = """
    select score, score_state, coverage,
        jsonb_object_agg(factor ->> 'name', (factor ->> 'value')::float8)
    from marts.scores
    cross join lateral jsonb_array_elements(factors) as factor
    where user_id = %s and local_date = %s and score_name = %s
    group by score, score_state, coverage
"""


@dataclass(frozen=True)
class OfAnEarlierCatalogue(Received):
    """Accepted when the payload had no such border."""

    payload: dict[str, Any]

    def accepted(self, received_at: datetime = RECEIVED_AT) -> AcceptedEvent:
        event = super().accepted(received_at)
        event.payload = self.payload
        return event


def told(
    user_id: UUID, ago: int, kind: str, payload: dict[str, Any], *, hour: int = 7, lasted: int | None = None
) -> Received:
    ended_at = datetime.fromisoformat(f"{TODAY - timedelta(days=ago)}T{hour:02}:00:00+00:00")
    started_at = ended_at - timedelta(minutes=lasted or 0)
    body = {
        "event_id": str(uuid4()),
        "version": 1,
        "type": kind,
        "started_at": started_at.isoformat(),
        "tz": "UTC",
        "source": {"name": "test"},
        "payload": payload,
    }
    return Received(user_id, body | ({"ended_at": ended_at.isoformat()} if lasted else {}))


def mornings(user_id: UUID) -> list[Received]:
    """The 27 days before, each with the same heart and the same night."""
    night = {"asleep_minutes": 420, "efficiency_percent": 90}
    return [
        event
        for ago in range(1, 28)
        for event in (
            told(user_id, ago, "hrv.measured", {"rmssd_ms": 40}),
            told(user_id, ago, "heart_rate.measured", {"bpm": 55, "is_resting": True}),
            told(user_id, ago, "sleep.recorded", night, lasted=460),
        )
    ]


def test_zeros_of_a_sensor_naps_and_gaps_are_missing_and_not_bad(warehouse: Warehouse) -> None:
    zero, napping, walking, mixed = (uuid4() for _ in range(4))
    without_beats = told(zero, 0, "hrv.measured", {"rmssd_ms": 40})
    pulse = {"bpm": 55, "is_resting": True}
    nap = {"asleep_minutes": 20, "efficiency_percent": 40, "is_nap": True}
    night = {"asleep_minutes": 420, "efficiency_percent": 90}
    events = [
        *mornings(zero),
        OfAnEarlierCatalogue(zero, without_beats.body, {"rmssd_ms": 0}),
        told(zero, 0, "heart_rate.measured", pulse),
        *mornings(napping),
        told(napping, 0, "heart_rate.measured", pulse),
        told(napping, 0, "sleep.recorded", night, lasted=460),
        told(napping, 0, "sleep.recorded", nap, hour=15, lasted=30),
        told(walking, 0, "exercise.recorded", {"kind": "walk"}, lasted=30),
        told(walking, 1, "weather.observed", {"temperature_c": 3}),
        *(told(mixed, ago, "steps.counted", {"steps": 4000}, lasted=60) for ago in (0, 1, 2, 4)),
        told(mixed, 2, "exercise.recorded", {"kind": "walk"}, hour=12, lasted=40),
        told(mixed, 4, "exercise.recorded", {"moderate_minutes": 20, "vigorous_minutes": 15}, lasted=60),
        told(mixed, 7, "exercise.recorded", {"kind": "walk"}, hour=12, lasted=600),
    ]
    store(warehouse.owner_url, events)

    warehouse.build(full=True)

    def scored(user_id: UUID, name: str) -> tuple[Any, ...]:
        (row,) = warehouse.rows(_SCORE, user_id, TODAY, name)
        return row

    heart = {"heart_rate_variability": 0, "resting_heart_rate": 55, "sleep_efficiency": None}
    assert scored(zero, "recovery") == (50, "SCORED", 0.3, heart)
    heart = {"heart_rate_variability": None, "resting_heart_rate": 55, "sleep_efficiency": 90}
    assert scored(napping, "recovery") == (50, "SCORED", 0.6, heart)
    assert scored(walking, "activity") == (None, "CALIBRATING", 1 / 7, {"active_minutes": 30})
    assert scored(mixed, "activity") == (80, "SCORED", 4 / 7, {"active_minutes": 90})
