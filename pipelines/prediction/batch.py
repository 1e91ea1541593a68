"""Batch prediction: what each active person would rate if they were asked now becomes a stored answer.

Active is of whom anything was known from the last 28 days. The same instant again changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from aurora.models.catalogue import model_spec, registered_name
from aurora.predictions.answering import predict_rows
from aurora.predictions.storage import read_predictor, write_predictions
from pipelines.prediction.shadow import Shadow, shadow_cohort
from pipelines.prediction.vectors import vectors_of_cohort


@dataclass(frozen=True)
class BatchReport:
    """What a batch did: how many people, who answered, how many rows were new."""

    model: str
    cohort: str
    registered_name: str
    version: str | None
    people: int
    by_model: int
    by_baseline: int
    by_nobody: int
    written: int
    shadow: Shadow


def predict_cohort(
    connection: psycopg.Connection[Any],
    model: str,
    cohort: str,
    *,
    as_of: datetime,
    threads: int = 1,
) -> BatchReport:
    """Predict for every active person of a cohort and store it. Without a model the baselines answer.

    `as_of` is now, or the instant that is replayed: nothing that became known later is seen.
    The challenger answers the same moments beside it, apart from what is served.
    """
    spec = model_spec(model)
    predictor = read_predictor(connection, model, cohort, threads=threads)
    asked = list(vectors_of_cohort(connection, spec, cohort, as_of))
    rows = predict_rows(spec, predictor, asked, origin="batch")
    predictions = [row.prediction for row in rows]
    with connection.transaction():
        written = write_predictions(connection, rows)
    # What is served is stored by now: a shadow that breaks takes nothing with it.
    shadow = shadow_cohort(
        connection,
        model,
        cohort,
        asked,
        predictions,
        predictor,
        threads=threads,
    )
    sources = [prediction.model_source for prediction in predictions]
    return BatchReport(
        model=model,
        cohort=cohort,
        registered_name=registered_name(model, cohort),
        version=predictor.version if predictor else None,
        people=len(rows),
        by_model=sources.count("model"),
        by_baseline=sources.count("baseline"),
        by_nobody=sources.count("none"),
        written=written,
        shadow=shadow,
    )
