"""Training rows of made-up people, without a database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from aurora.models.catalogue import ENERGY, MOOD
from aurora.models.folds import FoldPlan
from pipelines.training.rows import TrainingRows
from tests.pipelines.training.framed_rows import rows_from_frame

SPECS = {"energy": replace(ENERGY, max_rounds=40), "mood": replace(MOOD, max_rounds=15)}
PLAN = FoldPlan(held_out_days=14, step_days=7)
DAY = 86_400.0


def some_rows(
    model: str = "energy",
    *,
    people: int = 12,
    days: int = 60,
    effect: float = 0.6,
    cold: int = 0,
    late: int = 0,
    against: int = 0,
) -> TrainingRows:
    """Rows of people whose sleep moves their energy, and their mood with it. `cold` people have no history; `late`
    labels arrive days later; the last `against` people are moved the other way round.
    """
    spec = SPECS[model]
    rng = np.random.default_rng(1)
    lines: list[dict[str, Any]] = []
    for person in range(people):
        level = rng.uniform(4, 8)
        for day in range(days):
            sleep = rng.normal(450, 60)
            moved = -effect if person >= people - against else effect
            value = np.clip(level + moved * (sleep - 450) / 60 + rng.normal(0, 0.7), 0, 10)
            vector = dict.fromkeys(spec.columns)
            vector |= {"avg_sleep_last_7d": sleep, "energy_rolling_std_7d": rng.uniform(0.5, 1.5)}
            if person >= cold:
                usual = level + rng.normal(0, 0.3)
                vector |= {"energy_ewma_28d": usual} if model == "energy" else _moods(usual)
            lines.append(
                {
                    "user_id": f"person-{person:02}",
                    "label_event_id": f"person-{person:02} {day}",
                    "as_of": day * DAY,
                    "known_at": day * DAY + 300 + late * DAY,
                    "value": value if model == "energy" else (value - 5) / 5,
                    "persona": "owl" if person % 2 else "lark",
                    "precision": "instant",
                    **{name: vector[name] for name in spec.columns},
                }
            )
    return rows_from_frame(pl.DataFrame(lines, infer_schema_length=None), spec)


def _moods(usual: float) -> dict[str, Any]:
    valence = (usual - 5) / 5
    shares = np.exp(-(((np.arange(5) - 2) / 2 - valence) ** 2) * 6)
    return dict(zip(MOOD.baseline_columns, shares / shares.sum(), strict=True)) | {"mood_ewma_28d": valence}
