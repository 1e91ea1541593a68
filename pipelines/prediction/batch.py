"""Batch prediction: the newest vector of each active person becomes a stored answer. A re-run changes
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from aurora.models.catalogue import ModelSpec, model_spec, registered_name
from aurora.predictions.baseline import predict_from_baseline
from aurora.predictions.prediction import Prediction
from aurora.predictions.predictor import Predictor, Vector
from aurora.predictions.storage import PredictionRow, read_predictor, write_predictions
from pipelines.prediction.shadow import Moment, Shadow, shadow_cohort

ACTIVE_DAYS = 28
"""Whoever has no moment in this many days before the cohort's newest one is not predicted for."""

# Of two moments at one instant, the one that knows its hour ("instant") comes before the day's.
_NEWEST = """
    with people as (
        select user_id from app.users where cohort = {cohort} and deleted_at is null
    ),
    newest as (
        select distinct on (features.user_id) features.*
        from features.{table} as features
        inner join people on people.user_id = features.user_id
        where features.as_of <= {until}
        order by features.user_id, features.as_of desc, features.precision desc
    )
    select * from newest
    where as_of >= (select max(as_of) from newest) - {active}::interval
    order by user_id
"""


@dataclass(frozen=True)
class BatchReport:
    """What a batch did: how many people, who answered, how many rows were new or changed."""

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
    until: datetime | None = None,
    threads: int = 1,
) -> BatchReport:
    """Predict for every active person of a cohort and store it. Without a model the baselines answer.

    The challenger answers the same moments beside it, apart from what is served.
    """
    spec = model_spec(model)
    predictor = read_predictor(connection, model, cohort, threads=threads)
    moments = _newest_moments(connection, spec, cohort, until)
    vectors = [{name: _number(row[name]) for name in spec.columns} for row in moments]
    predictions = predict_vectors(spec, predictor, vectors, [row["user_id"] for row in moments])
    rows = [
        PredictionRow(row["user_id"], row["as_of"], row["local_date"], "batch", prediction, vector)
        for row, prediction, vector in zip(moments, predictions, vectors, strict=True)
    ]
    with connection.transaction():
        written = write_predictions(connection, rows)
    # What is served is stored by now: a shadow that breaks takes nothing with it.
    shadow = shadow_cohort(
        connection,
        model,
        cohort,
        [Moment(row.user_id, row.as_of, row.features) for row in rows],
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


def predict_vectors(
    spec: ModelSpec, predictor: Predictor | None, vectors: Sequence[Vector], user_ids: Sequence[UUID]
) -> list[Prediction]:
    """The answers of the model, or of the baselines where there is none."""
    if predictor is None:
        return [predict_from_baseline(spec, vector) for vector in vectors]
    return predictor.predict_many(vectors, user_ids)


def _newest_moments(
    connection: psycopg.Connection[Any], spec: ModelSpec, cohort: str, until: datetime | None
) -> list[dict[str, Any]]:
    statement = sql.SQL(_NEWEST).format(
        cohort=sql.Literal(cohort),
        table=sql.Identifier(f"moment_{spec.feature_set}_features"),
        until=sql.SQL("'infinity'::timestamptz") if until is None else sql.Literal(until),
        active=sql.Literal(timedelta(days=ACTIVE_DAYS)),
    )
    return connection.cursor(row_factory=dict_row).execute(statement).fetchall()


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
