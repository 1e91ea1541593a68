"""The simulator's ceiling beside the model: how much of what can be known the model does know.

    skill = (baseline − model) ÷ (baseline − ceiling), with the user mean as baseline (for classes the
    user's majority)

The ceiling is computed on the very rows that were judged where the simulation's truth is at hand, and is
that of the whole simulation otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
from psycopg.rows import tuple_row

from aurora.models.catalogue import ModelSpec
from pipelines.training.evaluation import HeldOut

_READ = "select ceiling, truth_path from raw.simulations where cohort = %s"

METRICS: dict[str, dict[str, str]] = {
    "energy": {"mae": "energy_mae", "r2": "energy_r2", "r2_within": "energy_r2_within"},
    "mood": {"accuracy": "mood_accuracy", "macro_f1": "mood_macro_f1"},
}
"""Model → our metric → the simulator's name of it."""

SKILL_BASELINE = {"energy": "user_mean", "mood": "user_majority"}


def read_ceiling(
    connection: psycopg.Connection[Any], spec: ModelSpec, cohort: str, held_out: HeldOut
) -> dict[str, float] | None:
    """The best attainable metrics for these judged rows; None when the cohort is not simulated."""
    found = connection.cursor(row_factory=tuple_row).execute(_READ, [cohort]).fetchone()
    if found is None or spec.name not in METRICS:
        return None
    record, truth_path = found
    on_judged = _on_judged_rows(spec, truth_path, held_out)
    attainable = on_judged or record.get("attainable", {})
    named = {ours: attainable.get(theirs) for ours, theirs in METRICS[spec.name].items()}
    return {name: float(value) for name, value in named.items() if value is not None}


def skill_of(spec: ModelSpec, metrics: Mapping[str, float], ceiling: Mapping[str, float]) -> dict[str, float]:
    """The skill by each metric that has a ceiling; `metrics` are named `<metric>/<answerer>`."""
    skills = {}
    for name, best in ceiling.items():
        base = metrics.get(f"{name}/{SKILL_BASELINE[spec.name]}")
        reached = metrics.get(f"{name}/model")
        if base is not None and reached is not None and base != best:
            skills[name] = (base - reached) / (base - best)
    return skills


def _on_judged_rows(spec: ModelSpec, truth_path: str | None, held_out: HeldOut) -> dict[str, float]:
    from pipelines.ingestion.simulator.ceiling import ceiling_of

    path = Path(truth_path or "")
    path = path / "truth.parquet" if path.is_dir() else path
    if not path.is_file():
        return {}
    judged = held_out.rows.labels(held_out.number)
    truth = pl.read_parquet(path).filter(pl.col(f"{spec.name}_event_id").is_in(judged))
    if len(truth) < 0.9 * len(judged):
        return {}
    scores = ceiling_of(truth).as_record()["attainable"]
    return {name: value for name, value in scores.items() if value is not None}
