"""Scores worked out from a study's days by the tables of docs/scores.md, without AURORA's formulas.

Studies have dates only: no bedtime, and so no consistency and no regularity; no stages; nobody's work or company.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from statistics import mean, stdev
from typing import Any, Final

import numpy as np

Day = Mapping[str, Any]
Days = Mapping[date, Day]
Scored = tuple[str, float | None]
"""State and score."""

UNSCORABLE: Final[Scored] = ("UNSCORABLE", None)
CALIBRATING: Final[Scored] = ("CALIBRATING", None)
NEVER_SCORED: Final = ("sleep_regularity", "work_balance", "social")

_WATCH_OR_DIARY: Final = (
    "asleep_minutes", "steps", "moderate_minutes", "resting_heart_rate_bpm", "hrv_rmssd_ms", "valence",
    "readiness", "stress",
)  # fmt: skip
_ACTIVITY_STEPS: Final = ((150, 100), (120, 90), (90, 80), (60, 60), (30, 40), (0.001, 20), (0, 0))


def scores_of(days: Days) -> dict[tuple[date, str], Scored]:
    """Day and score → what has to come out, for the days that the source tells of."""
    parts = {
        day: {
            "sleep": _sleep(said),
            "activity": _activity(days, day),
            "recovery": _recovery(days, day),
            "mood": _scored(said["valence"], lambda valence: (valence + 1) * 50),
            "energy": _scored(said.get("readiness"), lambda readiness: readiness * 10),
            **dict.fromkeys(NEVER_SCORED, UNSCORABLE),
        }
        for day, said in days.items()
    }
    scored = {day: [score for _, score in of.values() if score is not None] for day, of in parts.items()}
    for day, of in parts.items():
        of["life"] = _life(scored, day)
    return {(day, name): score for day, of in parts.items() for name, score in of.items()}


def _scored(value: float | None, points: Any) -> Scored:
    return UNSCORABLE if value is None else ("SCORED", points(value))


def _sleep(said: Day) -> Scored:
    if said["asleep_minutes"] is None:
        return UNSCORABLE
    hours = (3.5, 4.5, 5.5, 6.5, 7, 9, 9.5, 10.5)
    duration = np.interp(said["asleep_minutes"] / 60, hours, (0, 20, 40, 70, 100, 100, 90, 40))
    if said["awake_minutes"] is None:
        return "SCORED", float(duration)
    interruptions = np.interp(said["awake_minutes"], (20, 90), (100, 0))
    return "SCORED", float(40 * duration + 20 * interruptions) / 60


def _activity(days: Days, day: date) -> Scored:
    week = [days[other] for other in _before(day, 7, with_today=True) if other in days]
    minutes = [said["moderate_minutes"] + 2 * said["vigorous_minutes"] for said in week if _worn(said)]
    if not minutes:
        return UNSCORABLE
    if sum(any(said.get(name) is not None for name in _WATCH_OR_DIARY) for said in week) < 4:
        return CALIBRATING
    return "SCORED", next(points for at, points in _ACTIVITY_STEPS if sum(minutes) >= at)


def _worn(said: Day) -> bool:
    return said.get("moderate_minutes") is not None


def _recovery(days: Days, day: date) -> Scored:
    measures = (
        ("hrv_rmssd_ms", 40, np.log, 1, 0.02),
        ("resting_heart_rate_bpm", 30, float, -1, 0.5),
        ("efficiency_percent", 30, float, 1, 0.5),
    )
    weighted: dict[str, tuple[float, float]] = {}
    own_days: dict[str, int] = {}
    for name, weight, scaled, better, smallest in measures:
        known = [days[other].get(name) for other in _before(day, 27) if other in days]
        before = [float(scaled(value)) for value in known if value is not None]
        today = days[day].get(name)
        own_days[name] = len(before)
        if today is not None and len(before) >= 7:
            z = better * (float(scaled(today)) - mean(before)) / max(stdev(before), smallest)
            weighted[name] = (weight, float(np.clip(50 + 25 * z, 0, 100)))
    hearts = ("hrv_rmssd_ms", "resting_heart_rate_bpm")
    if max(own_days[name] for name in hearts) < 14:
        told = any(days[day].get(name) is not None for name in hearts)
        return CALIBRATING if told else UNSCORABLE
    if not any(name in weighted for name in hearts):
        return UNSCORABLE
    known_weight = sum(weight for weight, _ in weighted.values())
    return "SCORED", sum(weight * points for weight, points in weighted.values()) / known_weight


def _life(scored: Mapping[date, list[float]], day: date) -> Scored:
    if len(scored[day]) < 3:
        return UNSCORABLE
    if sum(bool(scored.get(other)) for other in _before(day, 28, with_today=True)) < 14:
        return CALIBRATING
    return "SCORED", mean(scored[day])


def _before(day: date, number: int, *, with_today: bool = False) -> list[date]:
    return [day - timedelta(days=ago) for ago in range(0 if with_today else 1, number + (not with_today))]
