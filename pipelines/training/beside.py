"""Beside the model: what each baseline would have said to the judged rows, and what is said without a history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from aurora.models.baselines import class_baselines, regression_baselines
from aurora.models.catalogue import ModelSpec
from aurora.models.metrics import Floats, Ints
from aurora.predictions.answers import GLOBAL_MEAN, Answers
from pipelines.training.judged import MODEL
from pipelines.training.rows import TrainingRows


def beside_baselines(
    rows: TrainingRows, judged: Ints, told: Answers, prior: Sequence[float]
) -> dict[str, Floats]:
    """What a model told these rows, and what each baseline would have; `prior` is what the model's was.

    Baselines that a feature states are NaN where it is missing: see `named`.
    """
    spec = rows.spec
    history = {"users": rows.users, "as_of": rows.as_of, "known_at": rows.known_at, "rows": judged}
    if told.probabilities is None:
        simple = regression_baselines(values=rows.values, global_mean=prior[0], **history)
        return {
            MODEL: told.values,
            spec.baseline_name: told.baseline,
            **simple,
            **_from_features(rows, judged),
        }
    certain = class_baselines(
        classes=rows.targets.astype(np.int64),
        count=len(spec.classes),
        majority=int(np.argmax(prior)),
        **history,
    )
    everybody = np.tile(np.array(prior), (len(judged), 1))
    return {
        MODEL: told.probabilities,
        spec.baseline_name: told.start,
        GLOBAL_MEAN: everybody,
        **certain,
    }


def without_history(rows: TrainingRows, cold: Ints, prior: Sequence[float]) -> dict[str, Floats]:
    """What rows without a baseline are told, which is the mean (or the shares) of the training ratings, and what
    features would tell them.
    """
    everybody = np.tile(np.array(prior), (len(cold), 1))
    told = everybody[:, 0] if rows.spec.kind == "regression" else everybody
    return {GLOBAL_MEAN: told, **_from_features(rows, cold)}


def named(spec: ModelSpec, answers: Mapping[str, Floats]) -> dict[str, Floats]:
    """The answers, each under the name of who gave it.

    A baseline that a feature states has no answer where that is missing. Then it stands here twice: by itself, with
    NaN, and completed by the person's mean, under a name that says so. One that nobody has is no baseline.
    """
    found: dict[str, Floats] = {}
    for name, column in answers.items():
        missing = (
            np.isnan(column) if name in spec.baselines_from_features else np.zeros(len(column), np.bool_)
        )
        if len(column) and missing.all():
            continue
        found[name] = column
        if missing.any() and "user_mean" in answers:
            found[f"{name}_or_user_mean"] = np.where(missing, answers["user_mean"], column)
    return found


def _from_features(rows: TrainingRows, chosen: Ints) -> dict[str, Floats]:
    """Baselines that a feature states; NaN where it is missing."""
    return {
        name: rows.table[chosen, rows.spec.columns.index(feature)]
        for name, feature in rows.spec.baselines_from_features.items()
    }
