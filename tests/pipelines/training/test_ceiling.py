"""The ceiling beside a model is that of the very ratings that were judged, where the simulation's truth is at hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest

from aurora.models.folds import FoldPlan
from pipelines.ingestion.simulator import Simulation, SimulationSpec, ceiling_of, simulate
from pipelines.training.ceiling import read_ceiling, skill_of
from pipelines.training.evaluation import HeldOut, evaluate
from tests.pipelines.training.framed_rows import rows_from_frame
from tests.pipelines.training.made_up_rows import SPECS

SPEC = SPECS["energy"]


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(SimulationSpec(users=8, days=50, seed=7, ends_on=date(2026, 11, 22)))


@pytest.fixture(scope="module")
def held_out(simulation: Simulation) -> HeldOut:
    """The simulated ratings, judged with nothing but the mean of those before."""
    truth = simulation.truth.filter(pl.col("energy").is_not_null()).sort("user_id", "rated_at")
    seconds = truth["rated_at"].dt.epoch("us") / 1e6
    rows = truth.select(
        "user_id",
        "persona",
        label_event_id="energy_event_id",
        as_of=seconds,
        known_at=seconds + 60,
        value="energy",
        precision=pl.lit("instant"),
        **{name: pl.lit(None, pl.Float64) for name in SPEC.columns if name != "energy_ewma_28d"},
        energy_ewma_28d="energy_mean_before",
    )
    judged = evaluate(rows_from_frame(rows, SPEC), FoldPlan(held_out_days=14, step_days=7))
    assert judged is not None
    return judged


def keep(connection: psycopg.Connection[Any], truth_path: Path) -> None:
    connection.execute(
        "insert into raw.simulations (cohort, seed, users, days, ends_on, ceiling, truth_path) values"
        " ('simulated', 7, 8, 50, '2026-11-22', %s, %s)",
        ('{"attainable": {"energy_mae": 0.5, "energy_r2": 0.9, "energy_r2_within": 0.8}}', str(truth_path)),
    )


def test_the_ceiling_is_that_of_the_ratings_that_were_judged(
    connection: psycopg.Connection[Any], simulation: Simulation, held_out: HeldOut, tmp_path: Path
) -> None:
    simulation.truth.write_parquet(tmp_path / "truth.parquet")
    keep(connection, tmp_path)

    ceiling = read_ceiling(connection, SPEC, "simulated", held_out)

    judged = held_out.rows.labels(held_out.number)
    own = ceiling_of(simulation.truth.filter(pl.col("energy_event_id").is_in(judged)))
    assert ceiling is not None
    assert ceiling["mae"] == pytest.approx(own.attainable.energy_mae)
    assert ceiling["mae"] != pytest.approx(simulation.ceiling.attainable.energy_mae)


def test_without_the_truth_the_ceiling_is_that_of_the_whole_simulation(
    connection: psycopg.Connection[Any], held_out: HeldOut, tmp_path: Path
) -> None:
    keep(connection, tmp_path / "gone")

    assert read_ceiling(connection, SPEC, "simulated", held_out) == {"mae": 0.5, "r2": 0.9, "r2_within": 0.8}


def test_who_was_not_simulated_has_no_ceiling(connection: psycopg.Connection[Any], held_out: HeldOut) -> None:
    assert read_ceiling(connection, SPEC, "real", held_out) is None


def test_skill_is_the_share_of_what_can_be_known() -> None:
    metrics = {"mae/model": 0.7, "mae/user_mean": 1.3}

    assert skill_of(SPEC, metrics, {"mae": 0.5}) == {"mae": pytest.approx(0.75)}
    assert skill_of(SPEC, metrics, {"r2": 0.9}) == {}
