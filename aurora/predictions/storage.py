"""Models and predictions in Postgres: read the artifact behind an alias, write predictions once.

Each statement exists once; the sync and the async function run the same one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, LiteralString
from uuid import UUID, uuid4

import orjson
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
        told.prediction_id, users.user_id, told.model_name, told.model_version, told.model_source, told.as_of,
        told.local_date, told.value, told.class, told.probabilities, told.lower, told.upper, told.baseline,
        told.baseline_name, told.features, told.reasons, told.origin, told.as_of
    from jsonb_to_recordset(%(rows)s) as told (
        prediction_id uuid, user_id uuid, model_name text, model_version text, model_source text,
        as_of timestamptz, local_date date, value float8, class text, probabilities jsonb, lower float8,
        upper float8, baseline float8, baseline_name text, features jsonb, reasons jsonb, origin text
    )
    inner join app.users as users on users.user_id = told.user_id
    on conflict (user_id, model_name, as_of, origin, model_version) do nothing
"""

WRITTEN_AT_ONCE: Final = 1_000
"""Some megabytes of one statement."""


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
    return sum(connection.execute(_WRITE, some).rowcount for some in _parameters(rows))


async def write_predictions_async(
    connection: psycopg.AsyncConnection[Any], rows: Iterable[PredictionRow]
) -> None:
    """Store predictions. What a version said of an instant is never written over."""
    for some in _parameters(rows):
        await connection.execute(_WRITE, some)


def _alias(model: str, cohort: str, alias: str) -> dict[str, str]:
    return {"model_name": registered_name(model, cohort), "alias": alias}


def _load(found: tuple[Any, ...] | None, threads: int) -> Predictor | None:
    if found is None:
        return None
    version, artifact, sha256 = found
    return Predictor.load(bytes(artifact), sha256=sha256, version=version, threads=threads)


def _parameters(rows: Iterable[PredictionRow]) -> Iterator[dict[str, Jsonb]]:
    """Those of each statement: one text for all rows, not eighteen values for each."""
    told = [_told(row) for row in rows]
    for start in range(0, len(told), WRITTEN_AT_ONCE):
        yield {"rows": Jsonb(told[start : start + WRITTEN_AT_ONCE], dumps=orjson.dumps)}


def _told(row: PredictionRow) -> dict[str, Any]:
    return {
        **row.prediction.as_json(),
        "prediction_id": uuid4(),
        "user_id": row.user_id,
        "as_of": row.as_of,
        "local_date": row.local_date,
        "origin": row.origin,
        "features": dict(row.features),
    }
