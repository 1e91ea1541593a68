"""New people: how the recipe does for people whom it was not trained on, apart from everything else.

The held-out days are the same, and so is what was known at each cut-off. But of every fold one group of people is
left out of the training, and only that group is judged: in turns, so that everybody is new once where there are as
many folds as groups. That costs one more training a fold and no more.
"""

from __future__ import annotations

import numpy as np

from aurora.models.folds import FoldPlan, rolling_origin
from aurora.models.lift import user_lift
from aurora.models.metrics import Ints
from aurora.predictions.answers import start_of
from pipelines.training.engines import IN_PROCESS, Engine
from pipelines.training.evaluation import REUSE_FROM, fold_answers, joined, metrics_of
from pipelines.training.fitting import Fitted, fit
from pipelines.training.judged import MODEL, Judged
from pipelines.training.rows import TrainingRows

MOST_GROUPS = 4
SHOWN = ("mae", "r2", "rps", "accuracy")


def evaluate_new_people(rows: TrainingRows, plan: FoldPlan, *, engine: Engine = IN_PROCESS) -> Judged | None:
    """Judge each fold on people who were left out of its training; None when there is too little for one fold.

    People keep their own history as input: it is the model that has never met them. Choices are made and taken over as
    in `evaluate`, so that from many rows on a few settings may have been chosen with people who are judged later.
    """
    folds = list(rolling_origin(rows.as_of, rows.known_at, plan))
    group = _groups(len(rows.people), max(2, min(MOST_GROUPS, len(folds))), rows.spec.seed)
    parts, numbers, cold = [], [], 0
    before: Fitted | None = None
    for turn, fold in enumerate(folds):
        is_new = group == turn % (group.max() + 1)
        train = fold.train[~is_new[rows.users[fold.train]]]
        asked = fold.test[is_new[rows.users[fold.test]]]
        like = before if len(train) >= REUSE_FROM else None
        if (
            len(train) < plan.least_train_rows
            or (fitted := fit(rows, train, like=like, engine=engine)) is None
        ):
            continue
        before = fitted
        _, known = start_of(fitted.metadata, rows.table[asked])
        cold += int((~known).sum())
        if known.any():
            numbers.append(asked[known])
            parts.append(fold_answers(rows, fitted, asked[known]))
    if not parts:
        return None
    return Judged(rows, np.concatenate(numbers), joined(rows, parts), cold)


def metrics_of_new_people(judged: Judged) -> dict[str, float]:
    """`new_people_<metric>/<answerer>`, and the lift over the best baseline with its bounds."""
    metrics = {
        f"new_people_{metric}/{name}": value
        for name in (MODEL, *judged.baselines)
        for metric, value in metrics_of(judged, name).items()
        if metric in SHOWN
    }
    best = judged.best_baseline()
    lift = user_lift(judged.loss(best), judged.loss(MODEL), judged.users, seed=judged.rows.spec.seed)
    bounds = {"mean": lift.mean, "lower": lift.lower, "upper": lift.upper}
    return metrics | {f"new_people_lift/{name}": value for name, value in bounds.items()}


def _groups(people: int, groups: int, seed: int) -> Ints:
    """A group of each person, by lot, all of them of nearly one size."""
    return np.random.default_rng(seed).permutation(people) % groups
