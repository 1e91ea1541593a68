"""Shadow predictions: what the challenger would have answered the same people at the same moments.

They are stored apart from what is served, each beside the champion's answer of the same batch, and nobody is
shown them. A challenger that cannot answer keeps nobody from their prediction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString

import psycopg
from psycopg.types.json import Jsonb

from aurora.predictions.answering import Asked
from aurora.predictions.prediction import Prediction
from aurora.predictions.predictor import Predictor
from aurora.predictions.storage import CHALLENGER, read_predictor

NO_VERSION: Final = "none"
"""In place of the champion's version where there is none and a baseline answers."""

KEPT_DAYS: Final = 90
"""As long as a training looks back: no version is compared over more."""

# What a version said stays as it was said, and whom it stood beside. It is of the instant at which it is made.
_WRITE: LiteralString = """
    insert into predictions.shadow_predictions (
        user_id, model_name, as_of, model_version, champion_version, model_source, value, class,
        probabilities, lower, upper, made_at
    ) values (
        %(user_id)s, %(model_name)s, %(as_of)s, %(model_version)s, %(champion_version)s, %(model_source)s,
        %(value)s, %(class)s, %(probabilities)s, %(lower)s, %(upper)s, %(as_of)s
    )
    on conflict (user_id, model_name, as_of, model_version) do nothing
"""


@dataclass(frozen=True)
class Shadow:
    """What the challenger did: its version, how many rows are new, or why it could not answer."""

    version: str | None = None
    written: int = 0
    problem: str | None = None


def shadow_cohort(
    connection: psycopg.Connection[Any],
    model: str,
    cohort: str,
    asked: Sequence[Asked],
    served: Sequence[Prediction],
    champion: Predictor | None,
    *,
    threads: int = 1,
) -> Shadow:
    """Let the challenger answer those whom the champion has just answered with `served`."""
    try:
        challenger = read_predictor(connection, model, cohort, alias=CHALLENGER, threads=threads)
        if challenger is None or (champion and challenger.version == champion.version):
            return Shadow()
        vectors, people = [one.vector for one in asked], [one.user_id for one in asked]
        told = challenger.predict_many(vectors, people, with_reasons=False)
    except psycopg.Error:
        raise
    except Exception as error:  # noqa: BLE001  # nobody was promised this answer, whatever broke in it
        return Shadow(problem=f"{type(error).__name__}: {error}")
    beside = (champion.version if champion else None) or NO_VERSION
    rows = [
        _parameters(one, prediction, version=prediction.model_version or beside, beside=beside)
        for answers in (served, told)
        for one, prediction in zip(asked, answers, strict=True)
    ]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(_WRITE, rows)
        return Shadow(challenger.version, max(cursor.rowcount, 0))


def forget_old_shadows(connection: psycopg.Connection[Any], now: datetime) -> int:
    """Delete what was answered in the shadow more than KEPT_DAYS ago; how many rows. Housekeeping calls this."""
    return connection.execute(
        "delete from predictions.shadow_predictions where created_at < %s", [now - timedelta(days=KEPT_DAYS)]
    ).rowcount


def _parameters(one: Asked, prediction: Prediction, *, version: str, beside: str) -> dict[str, Any]:
    stated = prediction.probabilities
    return {
        "user_id": one.user_id,
        "model_name": prediction.model_name,
        "as_of": one.moment.as_of,
        "model_version": version,
        "champion_version": beside,
        "model_source": prediction.model_source,
        "value": prediction.value,
        "class": prediction.class_name,
        "probabilities": None if stated is None else Jsonb(dict(stated)),
        "lower": prediction.lower,
        "upper": prediction.upper,
    }
