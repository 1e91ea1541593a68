"""Models and predictions in Postgres: read the artifact behind an alias, write predictions once.

Each statement exists once; the sync and the async function run the same one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from aurora.models.catalogue import registered_name
from aurora.predictions.prediction import Prediction
from aurora.predictions.predictor import Predictor

CHANNEL = "aurora_models"
"""NOTIFY channel: an alias moved. The payload is the registered name of the model."""

CHAMPION, CHALLENGER = "champion", "challenger"

_READ_ALIAS: LiteralString = """
    select aliases.model_version, artifacts.artifact, artifacts.sha256
    from predictions.model_aliases as aliases
    inner join predictions.model_artifacts as artifacts
        on artifacts.model_name = aliases.model_name and artifacts.model_version = aliases.model_version
    where aliases.model_name = %(model_name)s and aliases.alias = %(alias)s
"""

_READ_VERSIONS: LiteralString = """
    select model_name, model_version from predictions.model_aliases where alias = %(alias)s
"""

# What a version said stays as it was said: another version's answer stands beside it, and the same version's again is
# not written. All is of the instant at which it is made. Of somebody who was erased meanwhile nothing is written, and
# the answers of the others are.
_WRITE: LiteralString = """
    insert into predictions.predictions (
        prediction_id, user_id, model_name, model_version, model_source, as_of, local_date, value, class,
        probabilities, lower, upper, baseline, baseline_name, features, reasons, origin, made_at
    )
    select
        %(prediction_id)s, users.user_id, %(model_name)s, %(model_version)s, %(model_source)s, %(as_of)s,
        %(local_date)s, %(value)s, %(class)s, %(probabilities)s, %(lower)s, %(upper)s, %(baseline)s,
        %(baseline_name)s, %(features)s, %(reasons)s, %(origin)s, %(as_of)s
    from app.users as users
    where users.user_id = %(user_id)s
    on conflict (user_id, model_name, as_of, origin, model_version) do nothing
"""


@dataclass(frozen=True)
class PredictionRow:
    """A prediction with whom it is for, the instant at which and for which it is made, and the vector it is made
    from.
    """

    user_id: UUID
    as_of: datetime
    local_date: date
    origin: str
    prediction: Prediction
    features: Mapping[str, float | None]


def read_predictor(
    connection: psycopg.Connection[Any], model: str, cohort: str, *, alias: str = CHAMPION, threads: int = 1
) -> Predictor | None:
    """The predictor under an alias of a cohort's model, or None when nothing is published under it."""
    cursor = connection.cursor(row_factory=tuple_row)
    return _load(cursor.execute(_READ_ALIAS, _alias(model, cohort, alias)).fetchone(), threads)


async def read_predictor_async(
    connection: psycopg.AsyncConnection[Any],
    model: str,
    cohort: str,
    *,
    alias: str = CHAMPION,
    threads: int = 1,
) -> Predictor | None:
    """The predictor under an alias of a cohort's model, or None when nothing is published under it."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(_READ_ALIAS, _alias(model, cohort, alias))
    return _load(await cursor.fetchone(), threads)


def read_versions(connection: psycopg.Connection[Any], *, alias: str = CHAMPION) -> dict[str, str]:
    """Registered name → version under the alias: cheap to ask, to see whether anything moved."""
    cursor = connection.cursor(row_factory=tuple_row)
    return dict(cursor.execute(_READ_VERSIONS, {"alias": alias}).fetchall())


async def read_versions_async(
    connection: psycopg.AsyncConnection[Any], *, alias: str = CHAMPION
) -> dict[str, str]:
    """Registered name → version under the alias: cheap to ask, to see whether anything moved."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(_READ_VERSIONS, {"alias": alias})
    return dict(await cursor.fetchall())


def write_predictions(connection: psycopg.Connection[Any], rows: Iterable[PredictionRow]) -> int:
    """Store predictions; how many were new. What a version said of an instant is never written over."""
    with connection.cursor() as cursor:
        cursor.executemany(_WRITE, [_parameters(row) for row in rows])
        return max(cursor.rowcount, 0)


async def write_predictions_async(
    connection: psycopg.AsyncConnection[Any], rows: Iterable[PredictionRow]
) -> None:
    """Store predictions. What a version said of an instant is never written over."""
    parameters = [_parameters(row) for row in rows]
    if parameters:
        async with connection.cursor() as cursor:
            await cursor.executemany(_WRITE, parameters)


def _alias(model: str, cohort: str, alias: str) -> dict[str, str]:
    return {"model_name": registered_name(model, cohort), "alias": alias}


def _load(found: tuple[Any, ...] | None, threads: int) -> Predictor | None:
    if found is None:
        return None
    version, artifact, sha256 = found
    return Predictor.load(bytes(artifact), sha256=sha256, version=version, threads=threads)


def _parameters(row: PredictionRow) -> dict[str, Any]:
    body = row.prediction.as_json()
    return {
        **body,
        "prediction_id": uuid4(),
        "user_id": row.user_id,
        "as_of": row.as_of,
        "local_date": row.local_date,
        "origin": row.origin,
        "probabilities": None if body["probabilities"] is None else Jsonb(body["probabilities"]),
        "reasons": Jsonb(body["reasons"]),
        "features": Jsonb(dict(row.features)),
    }
