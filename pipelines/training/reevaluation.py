"""Look again: how a registered version did on labels that became known after it was trained.

Nothing is trained and nothing registered. The answers are those of the version's own artifact; metrics and
baselines are the ones of training, under the same names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import psycopg

from aurora.errors import AuroraError
from aurora.models.catalogue import model_spec, registered_name
from aurora.models.lift import Lift, user_lift
from aurora.models.metrics import Floats
from aurora.predictions.answers import start_of
from aurora.predictions.predictor import Predictor
from aurora.predictions.storage import CHALLENGER, CHAMPION
from pipelines.training.beside import beside_baselines, named
from pipelines.training.champion import load_version, trained_until, version_under
from pipelines.training.evaluation import metrics_by_answerer
from pipelines.training.judged import SERVED, Judged
from pipelines.training.rows import TrainingRows, read_training_rows
from pipelines.training.tracking import connect


class NothingToJudgeError(AuroraError):
    def __init__(self, name: str, version: str, until: float) -> None:
        last = f"{datetime.fromtimestamp(until, UTC):%Y-%m-%d %H:%M} UTC" if np.isfinite(until) else "its end"
        super().__init__(f"{name} version {version} knew every label there is: none came after {last}")


class NoVersionError(AuroraError):
    def __init__(self, name: str, asked: str) -> None:
        super().__init__(f"MLflow knows no {asked} of {name}; a version is a number, champion or challenger")


@dataclass(frozen=True)
class SecondLook:
    """What became of a version. Metrics are named `<metric>/<answerer>`, as in MLflow."""

    name: str
    version: str
    trained_until: datetime
    rows: int
    people: int
    cold: int
    best_baseline: str
    lift: Lift
    metrics: dict[str, float]


def look_again(
    connection: psycopg.Connection[Any],
    model: str,
    cohort: str,
    *,
    mlflow_uri: str,
    version: str = CHAMPION,
    until: datetime | None = None,
) -> SecondLook:
    """Judge a version (its number, or the alias it has) on what it could not know, up to `until`."""
    client, spec, name = connect(mlflow_uri), model_spec(model), registered_name(model, cohort)
    number = version_under(client, name, version) if version in {CHAMPION, CHALLENGER} else version
    if number is None or not number.isdecimal():
        raise NoVersionError(name, version)
    predictor = load_version(name, number)
    rows = read_training_rows(connection, spec, cohort, until=until)
    judged, coverage = judge_version(rows, predictor)
    if judged is None:
        raise NothingToJudgeError(name, number, trained_until(predictor))
    best = judged.best_baseline()
    return SecondLook(
        name=name,
        version=number,
        trained_until=datetime.fromtimestamp(trained_until(predictor), UTC),
        rows=len(judged.number),
        people=len(np.unique(judged.users)),
        cold=judged.cold,
        best_baseline=best,
        lift=user_lift(judged.loss(best), judged.loss("model"), judged.users, seed=spec.seed),
        metrics=metrics_by_answerer(judged) | coverage,
    )


def judge_version(rows: TrainingRows, predictor: Predictor) -> tuple[Judged | None, dict[str, float]]:
    """The version's answers to labels it was not trained on, beside every baseline; None without such labels.

    With them, how its intervals covered. As before the gate the model answers everybody with a history, also
    those whom the baseline serves.
    """
    table, metadata = table_for(predictor, rows), predictor.metadata
    new = np.flatnonzero(rows.first_known_at > trained_until(predictor))
    _, known = start_of(metadata, table[new])
    number = new[known]
    if not len(number):
        return None, {}
    people = [rows.people[user] for user in rows.users[number]]
    told = predictor.answers(table[number], people, fallback=False)
    served = predictor.answers(table[number], people)
    answers = named(rows.spec, beside_baselines(rows, number, told, metadata.prior)) | {
        SERVED: served.values if served.probabilities is None else served.probabilities
    }
    observed = rows.values[number]
    coverage = {
        "interval/coverage": float(((observed >= told.lower) & (observed <= told.upper)).mean()),
        "interval/width": float((told.upper - told.lower).mean()),
    }
    return Judged(rows, number, answers, cold=len(new) - len(number)), coverage


def table_for(predictor: Predictor, rows: TrainingRows) -> Floats:
    """The rows in the columns of the version; a column that is no feature any more is missing."""
    there = {name: place for place, name in enumerate(rows.spec.columns)}
    missing = np.full(len(rows), np.nan)
    columns = [
        rows.table[:, there[name]] if name in there else missing for name in predictor.metadata.columns
    ]
    return np.column_stack(columns)
