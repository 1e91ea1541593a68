"""Evaluation: how the recipe would have done, day after day, beside every baseline, on days it had not seen.

Each fold trains anew on what was known at its cut-off and answers through the very code that serves. The
answers of all folds together are the held-out rows: metrics, intervals, the gate and the per-person
fallback are made of these, and of nothing that was trained on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from aurora.models.baselines import DAY_SECONDS
from aurora.models.folds import FoldPlan, rolling_origin
from aurora.models.intervals import COVERAGE, IntervalTable, Levels, adapt, calibrate
from aurora.models.metrics import Floats, Ints, class_metrics, regression_metrics
from aurora.predictions.answers import GLOBAL_MEAN, answer_rows, start_of
from aurora.predictions.artifact import person_digest
from pipelines.training.beside import beside_baselines, named, without_history
from pipelines.training.engines import IN_PROCESS, Engine
from pipelines.training.fallback import served_answers
from pipelines.training.fitting import Fitted, fit
from pipelines.training.judged import MODEL, NO_BASELINES, SERVED, HeldOut, Judged
from pipelines.training.rows import TrainingRows

REUSE_FROM = 10_000
"""With this many training rows the best choices hardly move from week to week: they are made once."""

METRICS_OF_SLICES = ("mae", "rps", "accuracy")


def evaluate(rows: TrainingRows, plan: FoldPlan, *, engine: Engine = IN_PROCESS) -> HeldOut | None:
    """Answer the held-out days of these rows, fold by fold; None when there is too little for one fold."""
    numbers: list[Ints] = []
    folds: list[Ints] = []
    answers: list[dict[str, Floats]] = []
    cold: list[Ints] = []
    told_cold: list[dict[str, Floats]] = []
    rounds: list[int] = []
    before: Fitted | None = None
    for number, fold in enumerate(rolling_origin(rows.as_of, rows.known_at, plan)):
        like = before if len(fold.train) >= REUSE_FROM else None
        fitted = fit(rows, fold.train, like=like, engine=engine)
        if fitted is None:
            continue
        before = fitted
        _, known = start_of(fitted.metadata, rows.table[fold.test])
        judged = fold.test[known]
        cold.append(fold.test[~known])
        told_cold.append(without_history(rows, cold[-1], fitted.metadata.prior))
        if not len(judged):
            continue
        rounds.append(fitted.choices.rounds)
        numbers.append(judged)
        folds.append(np.full(len(judged), number))
        answers.append(fold_answers(rows, fitted, judged))
    if not numbers or before is None:
        return None
    number, unknown = np.concatenate(numbers), np.concatenate(cold)
    held_out = HeldOut(
        rows=rows,
        number=number,
        fold=np.concatenate(folds),
        answers=joined(rows, answers),
        spread=_spread(rows, number),
        cold=len(unknown),
        rounds=tuple(rounds),
        latest=before,
        without_history=Judged(rows, unknown, joined(rows, told_cold), cold=0) if len(unknown) else None,
    )
    return replace(held_out, answers=held_out.answers | {SERVED: served_answers(held_out)})


def fold_answers(rows: TrainingRows, fitted: Fitted, judged: Ints) -> dict[str, Floats]:
    """What a model and the baselines tell these rows: rows of people with a history, whoever is best served by whom."""
    people = [person_digest(rows.people[user]) for user in rows.users[judged]]
    told = answer_rows(fitted.metadata, fitted.booster, rows.table[judged], people)
    return beside_baselines(rows, judged, told, fitted.metadata.prior)


def joined(rows: TrainingRows, parts: Sequence[Mapping[str, Floats]]) -> dict[str, Floats]:
    """The answers of all folds, one after the other, under their names."""
    return named(rows.spec, {name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


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
    """`<metric>/<answerer>` of the model and of every baseline, and `slice_<metric>/<slice>/<answerer>`.

    On the same rows all of them: a baseline that cannot answer every row stands in slices only, beside the others
    on the rows that it does answer (`where.<baseline>`).
    """
    metrics = {
        f"{metric}/{name}": value
        for name in judged.answers
        if judged.answered(name).all()
        for metric, value in metrics_of(judged, name).items()
    }
    return metrics | {f"slice_{key}": value for key, value in _metrics_of_groups(judged).items()}


def metrics_without_history(judged: Judged) -> dict[str, float]:
    """`cold_<metric>/<answerer>` of rows that no model answers; a guess that some rows have as in
    `metrics_by_answerer`.
    """
    metrics = {
        f"{metric}/{name}": value
        for name in judged.baselines
        for metric, value in metrics_of(judged, name).items()
        if metric in METRICS_OF_SLICES
    }
    parts = _metrics_of_groups(judged, slices={})
    return {f"cold_{key}": value for key, value in (metrics | parts).items()}


def _metrics_of_groups(
    judged: Judged, slices: Mapping[str, npt.NDArray[np.bool_]] | None = None
) -> dict[str, float]:
    """`<metric>/<group>/<answerer>` of everybody who answers the whole group."""
    partial = {
        f"where.{name}": judged.answered(name)
        for name in judged.answers
        if name not in NO_BASELINES and not judged.answered(name).all()
    }
    groups = {**(slices_of(judged) if slices is None else slices), **partial}
    return {
        f"{metric}/{group}/{name}": value
        for group, member in groups.items()
        for name in judged.answers
        if judged.answered(name)[member].all()
        for metric, value in metrics_of(judged, name, member).items()
        if metric in METRICS_OF_SLICES
    }


def slices_of(held_out: Judged) -> dict[str, npt.NDArray[np.bool_]]:
    """Groups of judged rows in which nobody may lose: tenure, how much is known, persona."""
    rows, number = held_out.rows, held_out.number
    first = np.full(len(rows.people), np.inf)
    np.minimum.at(first, rows.users, rows.as_of)
    tenure = (rows.as_of[number] - first[rows.users[number]]) / DAY_SECONDS
    coverage = (~np.isnan(rows.table[number])).mean(axis=1)
    slices = {
        "tenure.under_14d": tenure < 14,
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
        name: _interval_of(held_out, name) for name in (MODEL, held_out.rows.spec.baseline_name, GLOBAL_MEAN)
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
    stated = held_out.stated(MODEL)
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
            "stated": held_out.stated(MODEL),
            "loss": held_out.loss(MODEL),
            "baseline_loss": held_out.loss(held_out.rows.spec.baseline_name),
        }
    )


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
