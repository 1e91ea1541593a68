"""Evaluation: how the recipe would have done, day after day, beside every baseline, on days it had not seen.

Each fold trains anew on what was known at its cut-off and answers through the very code that serves. The
answers of all folds together are the held-out rows: metrics, intervals, the gate and the per-person
fallback are made of these, and of nothing that was trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from aurora.models.baselines import DAY_SECONDS, class_baselines, regression_baselines
from aurora.models.folds import FoldPlan, rolling_origin
from aurora.models.intervals import COVERAGE, IntervalTable, Levels, adapt, calibrate
from aurora.models.metrics import (
    Floats,
    Ints,
    absolute_error,
    class_metrics,
    ranked_probability_score,
    regression_metrics,
)
from aurora.predictions.answers import Answers, answer_rows, start_of
from aurora.predictions.artifact import person_digest
from pipelines.training.engines import IN_PROCESS, Engine
from pipelines.training.fitting import Fitted, fit
from pipelines.training.rows import TrainingRows

REUSE_FROM = 10_000
"""With this many training rows the best choices hardly move from week to week: they are made once."""

METRICS_OF_SLICES = ("mae", "rps", "accuracy")


@dataclass(frozen=True)
class Judged:
    """The rows that were judged (numbers into the training rows), and what each one was told.

    `answers` holds, for the model and for each baseline, one value per row (regression) or one probability
    per row and class. Only rows whose person has a history are judged; the others are counted as `cold`.
    """

    rows: TrainingRows
    number: Ints
    answers: dict[str, Floats]
    cold: int

    @property
    def users(self) -> Ints:
        return self.rows.users[self.number]

    @property
    def observed(self) -> Floats | Ints:
        return self.rows.targets[self.number]

    @property
    def values(self) -> Floats:
        """What was rated, on the scale of the label."""
        return self.rows.values[self.number]

    def stated(self, name: str) -> Floats:
        """The answers on the scale of the label: the value, or the expected value of the classes."""
        answers = self.answers[name]
        return answers if answers.ndim == 1 else answers @ np.array(self.rows.spec.class_values)

    def loss(self, name: str) -> Floats:
        """What the gate compares, per row: absolute error, or ranked probability score."""
        if self.rows.spec.kind == "regression":
            return absolute_error(self.values, self.answers[name])
        return ranked_probability_score(self.rows.targets[self.number].astype(np.int64), self.answers[name])

    @property
    def baselines(self) -> tuple[str, ...]:
        return tuple(name for name in self.answers if name != "model")

    def best_baseline(self) -> str:
        """The baseline with the least loss, the mean taken over people."""
        _, place = np.unique(self.users, return_inverse=True)
        counts = np.bincount(place)

        def mean_loss(name: str) -> float:
            return float((np.bincount(place, weights=self.loss(name)) / counts).mean())

        return min(self.baselines, key=mean_loss)


@dataclass(frozen=True)
class HeldOut(Judged):
    """Judged in folds, in order of time, each by a model of its own."""

    fold: Ints
    spread: Floats
    rounds: tuple[int, ...]
    latest: Fitted
    """The model of the last fold, whose choices the final refit takes over."""


def evaluate(rows: TrainingRows, plan: FoldPlan, *, engine: Engine = IN_PROCESS) -> HeldOut | None:
    """Answer the held-out days of these rows, fold by fold; None when there is too little for one fold."""
    numbers: list[Ints] = []
    folds: list[Ints] = []
    answers: list[dict[str, Floats]] = []
    rounds: list[int] = []
    cold = 0
    before: Fitted | None = None
    for number, fold in enumerate(rolling_origin(rows.as_of, rows.known_at, plan)):
        like = before if len(fold.train) >= REUSE_FROM else None
        fitted = fit(rows, fold.train, like=like, engine=engine)
        if fitted is None:
            continue
        before = fitted
        _, known = start_of(fitted.metadata, rows.table[fold.test])
        judged = fold.test[known]
        cold += len(fold.test) - len(judged)
        if not len(judged):
            continue
        rounds.append(fitted.choices.rounds)
        numbers.append(judged)
        folds.append(np.full(len(judged), number))
        answers.append(_fold_answers(rows, fitted, judged))
    if not numbers or before is None:
        return None
    number = np.concatenate(numbers)
    return HeldOut(
        rows=rows,
        number=number,
        fold=np.concatenate(folds),
        answers={name: np.concatenate([part[name] for part in answers]) for name in _shared(answers)},
        spread=_spread(rows, number),
        cold=cold,
        rounds=tuple(rounds),
        latest=before,
    )


def metrics_of(held_out: Judged, name: str, chosen: npt.NDArray[np.bool_] | None = None) -> dict[str, float]:
    """The metrics of the model or of a baseline, on all judged rows or on some of them."""
    pick = np.ones(len(held_out.number), dtype=bool) if chosen is None else chosen
    users = held_out.users[pick]
    if held_out.rows.spec.kind == "regression":
        return regression_metrics(held_out.values[pick], held_out.answers[name][pick], users)
    classes = held_out.rows.targets[held_out.number][pick].astype(np.int64)
    metrics = class_metrics(classes, held_out.answers[name][pick])
    # The expected value beside the rating: how a leak would show in classes.
    behind = regression_metrics(held_out.values[pick], held_out.stated(name)[pick], users)
    return metrics | {key: value for key, value in behind.items() if key.startswith("r")}


def metrics_by_answerer(judged: Judged) -> dict[str, float]:
    """`<metric>/<answerer>` of the model and of every baseline, and by slice for the model."""
    metrics = {
        f"{metric}/{name}": value
        for name in judged.answers
        for metric, value in metrics_of(judged, name).items()
    }
    for slice_name, member in slices_of(judged).items():
        for metric, value in metrics_of(judged, "model", member).items():
            if metric in METRICS_OF_SLICES:
                metrics[f"slice_{metric}/{slice_name}"] = value
    return metrics


def slices_of(held_out: Judged) -> dict[str, npt.NDArray[np.bool_]]:
    """Groups of judged rows in which nobody may lose: tenure, how much is known, persona."""
    rows, number = held_out.rows, held_out.number
    first = np.full(len(rows.people), np.inf)
    np.minimum.at(first, rows.users, rows.as_of)
    tenure = (rows.as_of[number] - first[rows.users[number]]) / DAY_SECONDS
    coverage = (~np.isnan(rows.table[number])).mean(axis=1)
    slices = {
        "tenure.under_28d": tenure < 28,
        "tenure.from_28d": tenure >= 28,
        "coverage.low": coverage < np.median(coverage),
        "coverage.high": coverage >= np.median(coverage),
    }
    personas = np.array([persona or "" for persona in rows.personas])[rows.users[number]]
    for persona in sorted(set(personas.tolist()) - {""}):
        slices[f"persona.{persona}"] = personas == persona
    return {name: member for name, member in slices.items() if member.any() and not member.all()}


def intervals_of(held_out: HeldOut) -> dict[str, IntervalTable]:
    """Interval tables for each answerer that can serve, from the residuals of all judged rows, fold by fold."""
    return {
        name: _interval_of(held_out, name)
        for name in ("model", held_out.rows.spec.baseline_name, "global_mean")
    }


@dataclass(frozen=True)
class HonestIntervals:
    """The model's intervals of judged rows, each fold's calibrated on the folds before it and adapted to them.

    `judged` numbers the rows among the judged ones (the first fold has none before it), `inside` says whether
    the rating lay in the interval, `width` how wide that was, in units of the target.
    """

    judged: Ints
    inside: npt.NDArray[np.bool_]
    width: Floats


def honest_intervals(held_out: HeldOut, coverage: float = COVERAGE) -> HonestIntervals:
    """Intervals that promise this coverage; without rows when there is one fold only."""
    stated = held_out.stated("model")
    low, high = np.full(len(stated), np.nan), np.full(len(stated), np.nan)
    residuals = held_out.values - stated
    for period in adapt(residuals, held_out.spread, held_out.fold, coverage=coverage):
        now = period.number
        low[now], high[now] = period.table.around(stated[now], held_out.spread[now], held_out.rows.spec.scale)
    judged = np.flatnonzero(~np.isnan(low))
    low, high, values = low[judged], high[judged], held_out.values[judged]
    return HonestIntervals(judged, (values >= low) & (values <= high), high - low)


def honest_coverage(held_out: HeldOut) -> dict[str, float]:
    """Coverage and mean width of the model's intervals; nothing when there is one fold only."""
    intervals = honest_intervals(held_out)
    if not len(intervals.judged):
        return {}
    return {"coverage": float(intervals.inside.mean()), "width": float(intervals.width.mean())}


def as_frame(held_out: HeldOut) -> pl.DataFrame:
    """The judged rows for the record: which label, what was said, what came. Names no person."""
    return pl.DataFrame(
        {
            "label_event_id": held_out.rows.labels(held_out.number),
            "observed": held_out.values,
            "stated": held_out.stated("model"),
            "loss": held_out.loss("model"),
            "baseline_loss": held_out.loss(held_out.rows.spec.baseline_name),
        }
    )


def _fold_answers(rows: TrainingRows, fitted: Fitted, judged: Ints) -> dict[str, Floats]:
    people = [person_digest(rows.people[user]) for user in rows.users[judged]]
    told = answer_rows(fitted.metadata, fitted.booster, rows.table[judged], people)
    return beside_baselines(rows, judged, told, fitted.metadata.prior)


def beside_baselines(
    rows: TrainingRows, judged: Ints, told: Answers, prior: Sequence[float]
) -> dict[str, Floats]:
    """What a model told these rows, and what each baseline would have; `prior` is what the model's was."""
    spec = rows.spec
    history = {"users": rows.users, "as_of": rows.as_of, "known_at": rows.known_at, "rows": judged}
    if told.probabilities is None:
        simple = regression_baselines(values=rows.values, global_mean=prior[0], **history)
        more = _from_features(rows, judged, simple["user_mean"])
        return {"model": told.values, spec.baseline_name: told.baseline, **simple, **more}
    certain = class_baselines(
        classes=rows.targets.astype(np.int64),
        count=len(spec.classes),
        majority=int(np.argmax(prior)),
        **history,
    )
    everybody = np.tile(np.array(prior), (len(judged), 1))
    return {
        "model": told.probabilities,
        spec.baseline_name: told.start,
        "global_mean": everybody,
        **certain,
    }


def _from_features(rows: TrainingRows, judged: Ints, otherwise: Floats) -> dict[str, Floats]:
    """Baselines that a feature states; where it is missing the person's mean. A feature nobody has is no
    baseline.
    """
    answers = {}
    for name, feature in rows.spec.baselines_from_features.items():
        column = rows.table[judged, rows.spec.columns.index(feature)]
        if not np.isnan(column).all():
            answers[name] = np.where(np.isnan(column), otherwise, column)
    return answers


def _shared(answers: list[dict[str, Floats]]) -> list[str]:
    return [name for name in answers[0] if all(name in part for part in answers)]


def _spread(rows: TrainingRows, number: Ints) -> Floats:
    if rows.spec.spread_column is None:
        return np.full(len(number), np.nan)
    return rows.table[number, rows.spec.columns.index(rows.spec.spread_column)]


def _interval_of(held_out: HeldOut, name: str) -> IntervalTable:
    residuals = held_out.values - held_out.stated(name)
    levels: Levels = {}
    for period in adapt(residuals, held_out.spread, held_out.fold):
        levels = period.levels
    return calibrate(residuals, held_out.spread, levels=levels)
