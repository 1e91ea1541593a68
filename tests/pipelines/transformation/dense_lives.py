"""Lives of people who record nearly everything every day: enough history for every score, in all its states."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st

from aurora import clock
from tests.pipelines.transformation.lives import (
    DAYS,
    FIRST,
    SOURCES,
    ZONES,
    Received,
    draw_second_report,
    with_versions,
)

Told = tuple[str, dict[str, Any], datetime, float | None]
"""Type, payload, wall-clock time of the beginning, and minutes that it lasted."""


def draw_dense_life(seed: int) -> list[Received]:
    """A person's events, in no order: corrected, moved, deleted, told by two sources, as those of others."""
    random = Random(seed)  # noqa: S311  # reproducible lives, no secrets
    user_id, tz = uuid4(), random.choice(ZONES)
    told = [
        event for day in range(DAYS) for event in _day(random, FIRST.replace(tzinfo=None) + timedelta(day))
    ]
    drawn = [with_versions(random, _received(random, user_id, tz, event)) for event in told]
    drawn += [
        draw_second_report(random, versions[0])
        for versions in drawn
        if versions[0].body["type"] == "sleep.recorded" and random.random() < 0.2
    ]
    received = [version for versions in drawn for version in versions]
    random.shuffle(received)
    return received


def _day(random: Random, midnight: datetime) -> list[Told]:
    def at(hour: float, spread: float = 1) -> datetime:
        return midnight + timedelta(minutes=round(60 * (hour + random.uniform(-spread, spread))))

    rows: list[tuple[float, Told]] = [
        *((0.95, night) for night in _nights(random, at(-0.5))),
        (0.2, ("sleep.recorded", {"asleep_minutes": 25, "is_nap": True}, at(14), 30)),
        # A doze that nobody called a nap is a part of the night.
        (0.1, ("sleep.recorded", {"asleep_minutes": 50}, at(18), 60)),
        (0.9, ("hrv.measured", {"rmssd_ms": round(random.lognormvariate(4, 0.3), 1)}, at(7), None)),
        (0.9, ("heart_rate.measured", {"bpm": random.randint(45, 65), "is_resting": True}, at(7), None)),
        (0.8, ("work.recorded", {"duration_minutes": 30 * random.randint(8, 20)}, at(9), 600)),
        (0.8, ("social.met", {"people_count": 2}, at(19), 15 * random.randint(1, 8))),
        (0.8, ("exercise.recorded", {"moderate_minutes": random.randint(0, 60)}, at(17), 60)),
        (0.9, ("mood.rated", {"valence": random.uniform(-1, 1)}, at(12, 3), None)),
        (0.9, ("energy.rated", {"energy": random.randint(0, 10)}, at(12, 3), None)),
    ]
    return [event for chance, event in rows if random.random() < chance]


def _nights(random: Random, bedtime: datetime) -> list[Told]:
    """One sleep, or two with an hour or less in between."""
    awake_for = random.choice([None, None, 10, 60])
    lasted = [random.randint(360, 540)] if awake_for is None else [180, random.randint(120, 300)]
    starts = [bedtime, bedtime + timedelta(minutes=lasted[0] + (awake_for or 0))]
    stages = {"deep_minutes": random.randint(20, 110), "rem_minutes": random.randint(20, 110)}
    return [
        (
            "sleep.recorded",
            {
                "asleep_minutes": minutes - 12,
                "awake_minutes": 12,
                "efficiency_percent": random.randint(70, 99),
            }
            | (stages if random.random() < 0.8 else {}),
            started_at,
            minutes,
        )
        for started_at, minutes in zip(starts, lasted, strict=False)
    ]


def _received(random: Random, user_id: UUID, tz: str, told: Told) -> Received:
    kind, payload, local_started_at, minutes = told
    started_at = local_started_at.replace(tzinfo=clock.zone(tz)).astimezone(UTC)
    until = started_at + timedelta(minutes=minutes or 0)
    body: dict[str, Any] = {
        "event_id": str(UUID(int=random.getrandbits(128), version=4)),
        "version": 1,
        "type": kind,
        "started_at": started_at.isoformat(),
        "tz": tz,
        "source": random.choice(SOURCES[:3]),
        "payload": payload,
        "recorded_at": (until + timedelta(minutes=random.choice([0, 5, 3000]))).isoformat(),
    }
    if minutes is not None:
        body["ended_at"] = until.isoformat()
    return Received(user_id, body)


dense_lives = st.integers(0, 2**32).map(draw_dense_life)
