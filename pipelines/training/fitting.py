"""Fitting: some of the rows in, a booster and the metadata that makes its answers final out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from aurora.models.baselines import DAY_SECONDS
from aurora.models.boosters import BOOSTERS, Booster
from aurora.models.catalogue import ModelSpec
from aurora.models.design import smoothed_shares
from aurora.models.metrics import Floats, Ints
from aurora.predictions.answers import design_of, start_of
from aurora.predictions.artifact import ArtifactMetadata, pack
from aurora.predictions.phrases import note_of
from pipelines.training.rows import TrainingRows, feature_set_version

PRIOR_WEIGHTS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
"""How far class shares may be drawn to those of everybody; the best on the training rows is taken."""

JUDGED_SHARE = 0.2
"""The latest share of the training days on which the number of rounds is chosen."""


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


def fit(rows: TrainingRows, chosen: Ints, *, rounds: int | None = None, threads: int = 1) -> Fitted | None:
    """Train on the rows numbered `chosen`; None when none of them has a baseline to start from.

    Without `rounds` their number is chosen on the latest training days, then all rows are trained on.
    """
    spec, targets = rows.spec, rows.targets
    metadata = _metadata(rows, chosen)
    start, known = start_of(metadata, rows.table)
    used = chosen[known[chosen]]
    if not len(used):
        return None
    design, start, target = design_of(metadata, rows.table[used]), start[used], targets[used]
    kind = BOOSTERS[spec.kind]
    if rounds is None:
        judged = _latest(rows.as_of[used])
        # Too little to choose by: a few rounds cannot do much harm.
        rounds = 20
        if 0 < len(judged) < len(used):
            rounds = kind.best_rounds(spec, design, start, target, judged=judged, threads=threads)  # type: ignore[arg-type]  # the targets fit the kind
    booster = kind.fit(spec, design, start, target, rounds=rounds, threads=threads)  # type: ignore[arg-type]  # the targets fit the kind
    return Fitted(metadata, booster, rounds)


def _metadata(rows: TrainingRows, chosen: Ints) -> ArtifactMetadata:
    spec = rows.spec
    if spec.kind == "regression":
        prior, weight = np.array([rows.values[chosen].mean()]), 0.0
    else:
        classes = rows.targets[chosen].astype(np.int64)
        # One imagined rating of each class: no class is impossible because nobody gave it yet.
        counts = np.bincount(classes, minlength=len(spec.classes)) + 1.0
        prior = counts / counts.sum()
        weight = _best_prior_weight(spec, rows.table[chosen], classes, prior)
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
        prior_weight=weight,
        spread_column=spec.spread_column,
    )


def _best_prior_weight(spec: ModelSpec, table: Floats, classes: Ints, prior: Floats) -> float:
    shares = table[:, [spec.features.index(name) for name in spec.baseline_columns]]
    losses = {}
    for weight in PRIOR_WEIGHTS:
        stated = smoothed_shares(shares, prior, weight)[np.arange(len(classes)), classes]
        known = ~np.isnan(stated)
        losses[weight] = float(-np.log(stated[known]).mean()) if known.any() else np.inf
    return min(losses, key=lambda weight: losses[weight])


def _latest(as_of: Floats) -> Ints:
    """The rows of the latest days, to choose the number of rounds on."""
    days = (as_of.max() - as_of.min()) / DAY_SECONDS
    return np.flatnonzero(as_of > as_of.max() - max(days * JUDGED_SHARE, 1.0) * DAY_SECONDS)
