"""Fitting: some of the rows in, a booster and the metadata that makes its answers final out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from aurora.features.catalogue import FEATURES
from aurora.models.boosting import Booster, Fit
from aurora.models.headstart import Lines, personal_offsets
from aurora.models.metrics import Floats, Ints
from aurora.models.reference import HOUR, PREDICTION, reference_of
from aurora.models.targets import TARGETS
from aurora.predictions.answers import answer_rows
from aurora.predictions.artifact import ArtifactMetadata, ColumnSupport, pack, person_digest
from aurora.predictions.phrases import note_of
from pipelines.training.choosing import Choices, choose, usable
from pipelines.training.engines import IN_PROCESS, Data, Engine
from pipelines.training.recipe import fingerprint_of
from pipelines.training.rows import TrainingRows

SUPPORTED = (0.005, 0.995)
"""The quantiles of the training rows between which a column is supported."""

ENOUGH_ROWS = 100_000
"""Half of a percent of them are 500."""


@dataclass(frozen=True)
class Fitted:
    """A trained booster with its metadata: all that answering takes."""

    metadata: ArtifactMetadata
    booster: Booster
    choices: Choices
    halves: tuple[Booster, ...] = ()

    def with_(self, **changes: Any) -> Fitted:
        """The same with other metadata."""
        return replace(self, metadata=self.metadata.model_copy(update=changes))

    def pack(self) -> bytes:
        return pack(self.metadata, self.booster.to_bytes(), [half.to_bytes() for half in self.halves])


def fit(
    rows: TrainingRows, chosen: Ints, *, like: Fitted | None = None, engine: Engine = IN_PROCESS
) -> Fitted | None:
    """Train on the rows numbered `chosen`; None when none of them has a baseline to start from.

    The choices are taken over from `like`. Without it they are made on the latest training days, then all
    rows are trained on.
    """
    target = TARGETS[rows.spec.kind]
    metadata = _metadata(rows, chosen)
    choices = like.choices if like else choose(rows, chosen, metadata, engine)
    metadata = metadata.model_copy(update={"start": choices.start})
    data = usable(rows, chosen, metadata)
    if not len(data.target):
        return None
    fitted, lines, start = trained(rows, data, choices, engine)
    metadata = metadata.model_copy(
        update={"lines": lines, "support": _support(metadata.design_columns, data.design)}
    )
    if choices.offset_penalty is not None:
        pull, curvature = target.left_over(target.moved(start, fitted.scores(data.design)), data.target)
        offsets = personal_offsets(pull, curvature, data.users, len(rows.people), choices.offset_penalty)
        told = {person_digest(rows.people[user]): float(offsets[user]) for user in np.unique(data.users)}
        metadata = metadata.model_copy(update={"offsets": told})
    return Fitted(metadata, fitted.booster, choices)


def with_reference(fitted: Fitted, rows: TrainingRows, chosen: Ints) -> Fitted:
    """The same with what the rows held of each column and how they are answered, as whoever is served is answered.

    What the clock says is no column: when somebody asks says nothing of how they live.
    """
    metadata = fitted.metadata
    table, users = rows.table[chosen], rows.users[chosen]
    people = [person_digest(rows.people[user]) for user in users]
    values = {
        name: table[:, place]
        for place, name in enumerate(metadata.columns)
        if name not in FEATURES or FEATURES[name].domain != "clock"
    }
    values[PREDICTION] = answer_rows(metadata, fitted.booster, table, people).values
    hours = (
        table[:, metadata.columns.index(HOUR)] if HOUR in metadata.columns else np.full(len(table), np.nan)
    )
    return fitted.with_(reference=reference_of(values, users, hours))


def trained(
    rows: TrainingRows, data: Data, choices: Choices, engine: Engine
) -> tuple[Fit, Lines | None, Floats]:
    """Trees on top of lines, if these were chosen; and where the trees start from."""
    target = TARGETS[rows.spec.kind]
    start, lines = data.start, None
    if choices.has_lines:
        lines = target.lines(data.design, data.start, data.target)
        start = target.moved(data.start, lines.answer(data.design))
    fitted = engine.fit(rows.spec, replace(data, start=start), rounds=choices.rounds)
    return fitted, lines, start


def _support(columns: tuple[str, ...], design: Floats) -> dict[str, ColumnSupport]:
    """What the rows hold of each column; one that nobody has is not there.

    Of very many rows, of so many that lie evenly among them: they tell the quantiles as well.
    """
    found: dict[str, ColumnSupport] = {}
    for name, values in zip(columns, design[:: max(len(design) // ENOUGH_ROWS, 1)].T, strict=True):
        known = values[~np.isnan(values)]
        if len(known):
            low, high = np.quantile(known, SUPPORTED)
            found[name] = ColumnSupport(low=low, high=high, missing=1 - len(known) / len(values))
    return found


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
        fingerprint=fingerprint_of(spec),
        cohort=rows.cohort,
        feature_set=spec.feature_set,
        feature_set_version=spec.feature_set_version,
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
