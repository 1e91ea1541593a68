"""Trainings that are quick: the recipes of the catalogue with few rounds, two weeks held out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg

from aurora.models.catalogue import ENERGY, MOOD
from aurora.models.folds import FoldPlan
from pipelines.training.tracking import connect
from pipelines.training.training import TrainingReport, train_model

QUICK = {"energy": replace(ENERGY, max_rounds=40), "mood": replace(MOOD, max_rounds=15)}
PLAN = FoldPlan(held_out_days=14, step_days=7)


def train(
    connection: psycopg.Connection[Any],
    mlflow_uri: str,
    model: str = "energy",
    cohort: str = "real",
    **options: Any,
) -> TrainingReport:
    options.setdefault("spec", QUICK[model])
    return train_model(connection, model, cohort, mlflow_uri=mlflow_uri, plan=PLAN, **options)


def copy_version(mlflow_uri: str, name: str = "energy") -> str:
    """The first version once more, under the next number: registering takes no time, training does."""
    client = connect(mlflow_uri)
    first = client.get_model_version(name, "1")
    return str(client.create_model_version(name, first.source or "", run_id=first.run_id).version)
