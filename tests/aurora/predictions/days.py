"""Days of a person as tiles, and models over the real features whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from aurora.features.tiles import Tile
from aurora.features.vector import Moment
from aurora.models.catalogue import ENERGY, MOOD, ModelSpec
from aurora.models.metrics import Floats
from aurora.predictions.predictor import Predictor
from aurora.predictions.tile_changes import Occasion
from pipelines.training.fitting import Fitted, fit
from pipelines.training.halves import with_halves
from pipelines.training.rows import TrainingRows
from tests.pipelines.training.framed_rows import rows_from_frame

NOW = datetime(2026, 3, 20, 17, 0, tzinfo=UTC)
TODAY = NOW.date()
SPEC = replace(ENERGY, max_rounds=40)
MOOD_SPEC = replace(MOOD, max_rounds=40)
DAY = 86_400.0


def a_tile(value: float, at: datetime, *, scale: int = 1000, n: int = 1) -> Tile:
    """`n` equal values of which the last was at `at`."""
    one = round(value * scale)
    return Tile(n, n * one, n * one * one, one, one, one, at)


def an_occasion(*, days: int = 20, now: datetime = NOW) -> Occasion:
    """Nights of 6 h 40 min to 8 h, two coffees a day, a workout every third day, and a rating a day. In UTC."""
    tiles: dict[date, dict[str, Tile]] = {}
    for ago in range(days):
        day = now.date() - timedelta(days=ago)

        def at(hour: int, day: date = day) -> datetime:
            return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)

        slept = a_tile(400 + 20 * (ago % 5), at(7))
        of_day = {
            "sleep_minutes": slept,
            "main_sleep_minutes": slept,
            "sleep_efficiency": a_tile(90, at(7)),
            "caffeine": a_tile(100, at(14), n=2),
            "caffeine_morning": a_tile(100, at(8)),
            "caffeine_afternoon": a_tile(100, at(14)),
        }
        if ago:
            of_day |= {"mood": a_tile(0.3, at(12)), "mood_positive": a_tile(1, at(12), scale=1)}
            of_day |= {
                f"mood_{name}": a_tile(0, at(12), scale=1) for name in MOOD.classes if name != "positive"
            }
            of_day["energy"] = a_tile(6 + 0.2 * (ago % 3), at(12))
        if ago % 3 == 1:
            of_day |= {"exercise_minutes": a_tile(40, at(18)), "exercise_load": a_tile(240, at(18))}
        tiles[day] = of_day
    return Occasion(tiles, Moment.at(now, "UTC"), "UTC")


def sleep_effects(people: int, differing: float, seed: int) -> Floats:
    """How many points of energy an hour of sleep a day brings each of them: about one."""
    return 1 + differing * np.random.default_rng(seed).normal(size=people)


def training_rows(
    spec: ModelSpec, *, people: int = 12, days: int = 60, differing: float = 0.0, seed: int = 3
) -> TrainingRows:
    """An hour of sleep a day brings a point of energy, 100 mg of active caffeine half a one. Mood follows energy.
    `differing` is by how much the effect of sleep differs between people.
    """
    rng = np.random.default_rng(seed)
    effects = sleep_effects(people, differing, seed)
    lines: list[dict[str, Any]] = []
    for person in range(people):
        level = rng.uniform(4.5, 7.5)
        for day in range(days):
            sleep, caffeine = rng.normal(440, 45), rng.uniform(0, 200)
            value = np.clip(
                level
                + effects[person] * (sleep - 440) / 60
                + 0.5 * (caffeine - 100) / 100
                + rng.normal(0, 0.5),
                0,
                10,
            )
            known = {
                "energy_ewma_28d": level + rng.normal(0, 0.2),
                "energy_mean_28d": level,
                "energy_rolling_std_7d": rng.uniform(0.1, 1.5),
                "avg_sleep_last_7d": sleep,
                "caffeine_active_1d": caffeine,
                "caffeine_hours_since_3d": None if day % 4 == 0 else rng.uniform(0, 40),
                "main_sleep_minutes_mean_28d": 440.0,
                "mood_ewma_28d": (level - 5) / 5,
                "mood_mean_28d": (level - 5) / 5,
                **dict.fromkeys(MOOD.baseline_columns, 0.2),
            }
            value = value if spec.kind == "regression" else (value - 5) / 5
            lines.append(
                {
                    "user_id": f"p{person:02}",
                    "label_event_id": f"p{person} {day}",
                    "as_of": day * DAY,
                    "known_at": day * DAY + 300,
                    "value": value,
                    "persona": None,
                    "precision": "instant",
                    **{name: known.get(name) for name in spec.columns},
                }
            )
    return rows_from_frame(pl.DataFrame(lines, infer_schema_length=None), spec)


def a_fit(spec: ModelSpec = SPEC, rows: TrainingRows | None = None) -> Fitted:
    """A model of these rows, with halves."""
    rows = rows or training_rows(spec)
    chosen = np.arange(len(rows))
    fitted = fit(rows, chosen)
    assert fitted is not None
    return with_halves(fitted, rows, chosen)


def a_predictor(spec: ModelSpec = SPEC) -> Predictor:
    return Predictor.load(a_fit(spec).pack(), version="7")
