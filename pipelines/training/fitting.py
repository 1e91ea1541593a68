"""Fitting: some of the rows in, a booster and the metadata that makes its answers final out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from aurora.models.baselines import DAY_SECONDS
from aurora.models.boosters import BOOSTERS, Booster
from aurora.models.catalogue import ModelSpec
from aurora.models.design import ClassStart
from aurora.models.metrics import Floats, Ints
from aurora.predictions.answers import design_of, start_of
from aurora.predictions.artifact import ArtifactMetadata, pack
from aurora.predictions.phrases import note_of
from pipelines.training.rows import TrainingRows, feature_set_version

STARTS = (
    *(ClassStart(spread=spread) for spread in (0.22, 0.27, 0.33, 0.4)),
    *(ClassStart(prior_weight=weight) for weight in (0.02, 0.05, 0.1, 0.2)),
)
"""Ways from a history to class probabilities that are tried: smooth around the level, or the own shares."""

MANY_ROWS = 10_000
"""From here on the latest days tell starts apart."""

TRIAL = {"learning_rate": 0.1}
TRIAL_ROUNDS = 100
"""A start is judged by a short training in large steps."""

JUDGED_SHARE = 0.2
"""The latest share of the training days on which start and number of rounds are chosen."""

FEW_ROUNDS = 20
"""With too little to choose by: a few rounds cannot do much harm."""


@dataclass(frozen=True)
class Fitted:
    """A trained booster with its metadata: all that answering takes."""

    metadata: ArtifactMetadata
    booster: Booster
    rounds: int

    def with_(self, **changes: Any) -> Fitted:
        """The same with other metadata."""
        return replace(self, metadata=self.metadata.model_copy(update=changes))

    def pack(self) -> bytes:
        return pack(self.metadata, self.booster.to_bytes())


def fit(rows: TrainingRows, chosen: Ints, *, like: Fitted | None = None, threads: int = 1) -> Fitted | None:
    """Train on the rows numbered `chosen`; None when none of them has a baseline to start from.

    The start and the number of rounds are taken over from `like`. Without it they are chosen on the latest
    training days, then all rows are trained on.
    """
    spec, kind = rows.spec, BOOSTERS[rows.spec.kind]
    metadata = _metadata(rows, chosen)
    if spec.kind == "classes":
        start = like.metadata.start if like else _best_start(rows, chosen, metadata, threads)
        metadata = metadata.model_copy(update={"start": start})
    used, data = _used(rows, chosen, metadata)
    if not len(used):
        return None
    rounds = like.rounds if like else _best_rounds(spec, data, _latest(rows.as_of[used]), threads)[0]
    return Fitted(metadata, kind.fit(spec, *data, rounds=rounds, threads=threads), rounds)  # type: ignore[arg-type]  # the targets fit the kind


Data = tuple[Floats, Floats, Floats | Ints]
"""Design, start and target of some rows."""


def _used(rows: TrainingRows, chosen: Ints, metadata: ArtifactMetadata) -> tuple[Ints, Data]:
    """Those of the chosen rows that have a baseline to start from, and what is trained on."""
    start, known = start_of(metadata, rows.table[chosen])
    used = chosen[known]
    return used, (design_of(metadata, rows.table[used]), start[known], rows.targets[used])


def _best_rounds(spec: ModelSpec, data: Data, judged: Ints, threads: int) -> tuple[int, float]:
    """The number of rounds that does best on the judged rows, and its loss there."""
    if not 0 < len(judged) < len(data[2]):
        return FEW_ROUNDS, np.inf
    return BOOSTERS[spec.kind].best_rounds(spec, *data, judged=judged, threads=threads)  # type: ignore[arg-type]  # the targets fit the kind


def _best_start(rows: TrainingRows, chosen: Ints, metadata: ArtifactMetadata, threads: int) -> ClassStart:
    """With many rows the start from which a short training does best on the latest days; with few, where that
    would be chance, the start that tells most by itself.
    """
    trial = replace(rows.spec, params={**rows.spec.params, **TRIAL}, max_rounds=TRIAL_ROUNDS)

    def alone(start: ClassStart) -> float:
        tried = metadata.model_copy(update={"start": start})
        stated, known = start_of(tried, rows.table[chosen])
        told = stated[np.arange(len(chosen)), rows.targets[chosen].astype(np.int64)][known]
        return float(-np.log(told).mean()) if len(told) else np.inf

    def boosted(start: ClassStart) -> float:
        used, data = _used(rows, chosen, metadata.model_copy(update={"start": start}))
        return _best_rounds(trial, data, _latest(rows.as_of[used]), threads)[1] if len(used) else np.inf

    return min(STARTS, key=boosted if len(chosen) >= MANY_ROWS else alone)


def _metadata(rows: TrainingRows, chosen: Ints) -> ArtifactMetadata:
    spec = rows.spec
    if spec.kind == "regression":
        prior = np.array([rows.values[chosen].mean()])
    else:
        # One imagined rating of each class: no class is impossible because nobody gave it yet.
        counts = np.bincount(rows.targets[chosen].astype(np.int64), minlength=len(spec.classes)) + 1.0
        prior = counts / counts.sum()
    return ArtifactMetadata(
        model_name=spec.name,
        kind=spec.kind,
        label=spec.label,
        unit=spec.unit,
        scale=spec.scale,
        recipe=spec.recipe,
        fingerprint=spec.fingerprint(spec.features),
        cohort=rows.cohort,
        feature_set=spec.feature_set,
        feature_set_version=feature_set_version(spec),
        features=spec.features,
        notes={name: note_of(name) for name in spec.features},
        centred=spec.centred,
        baseline_name=spec.baseline_name,
        baseline_columns=spec.baseline_columns,
        classes=spec.classes,
        class_values=spec.class_values,
        prior=tuple(map(float, prior)),
        level_column=spec.level_column,
        spread_column=spec.spread_column,
    )


def _latest(as_of: Floats) -> Ints:
    """The rows of the latest days, to choose the number of rounds on."""
    days = (as_of.max() - as_of.min()) / DAY_SECONDS
    return np.flatnonzero(as_of > as_of.max() - max(days * JUDGED_SHARE, 1.0) * DAY_SECONDS)
