"""From feature rows to final answers, many rows at a time: baseline, booster on top, interval around.

A person without a usable baseline, or whom the baseline served better lately, is answered by the baseline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aurora.models.boosters import Booster
from aurora.models.design import design_matrix
from aurora.models.intervals import IntervalTable
from aurora.models.metrics import Floats
from aurora.models.targets import TARGETS
from aurora.predictions.artifact import ArtifactMetadata

MODEL = "model"
GLOBAL_MEAN = "global_mean"
"""The answer when a person has no history at all: the mean, or the class shares, of the training labels."""

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Answers:
    """Final answers. `answerer` names who gave each: "model", the baseline, or the global mean.

    `probabilities` and the baseline's `start` have one column per class; for a regression `probabilities` is
    None and `start` is one value per row.
    """

    values: Floats
    probabilities: Floats | None
    start: Floats
    baseline: Floats
    baseline_names: npt.NDArray[np.str_]
    answerer: npt.NDArray[np.str_]
    lower: Floats
    upper: Floats
    by_model: Bools


def answer_rows(
    metadata: ArtifactMetadata,
    booster: Booster,
    table: Floats,
    people: Sequence[str | None],
    *,
    fallback: bool = True,
) -> Answers:
    """Answer each row of `table`, whose columns are `metadata.columns`. Missing is NaN.

    `people` has the digest of each row's person, None for nobody in particular. Without `fallback` the model
    answers also whom the baseline served better.
    """
    start, known = start_of(metadata, table)
    served_worse = metadata.baseline_people if fallback else frozenset()
    by_model = known & np.array([person not in served_worse for person in people], dtype=bool)
    best = start.copy()
    if by_model.any():
        design, offsets = design_of(metadata, table[by_model]), offsets_of(metadata, people)[by_model]
        best[by_model] = booster.answer(design, head_start(metadata, design, start[by_model], offsets))
    if metadata.kind == "regression":
        values, baseline, probabilities = np.clip(best, *metadata.scale), start, None
    else:
        levels = np.array(metadata.class_values)
        values, baseline, probabilities = best @ levels, start @ levels, best
    names = np.where(known, metadata.baseline_name, GLOBAL_MEAN)
    answerer = np.where(by_model, MODEL, names)
    lower, upper = _bounds(metadata, values, answerer, _spread(metadata, table))
    return Answers(values, probabilities, start, baseline, names, answerer, lower, upper, by_model)


def start_of(metadata: ArtifactMetadata, table: Floats) -> tuple[Floats, Bools]:
    """The baseline that the booster starts from, and whether it comes from the person's own history."""
    columns = table[:, [metadata.columns.index(name) for name in metadata.baseline_columns]]
    prior = np.array(metadata.prior)
    if metadata.kind == "regression":
        own = columns[:, 0]
        known = ~np.isnan(own)
        return np.where(known, own, prior[0]), known
    values = np.array(metadata.class_values)
    start = metadata.start.of(_level(metadata, table), values, columns, prior)
    known = np.asarray(~np.isnan(start).any(axis=1))
    return np.where(known[:, None], start, prior[None, :]), known


def design_of(metadata: ArtifactMetadata, table: Floats) -> Floats:
    """The columns that the booster was trained on."""
    return design_matrix(table, metadata.columns, metadata.features, metadata.centred)


def offsets_of(metadata: ArtifactMetadata, people: Sequence[str | None]) -> Floats:
    """What is added to the raw answer of each of these people (digests)."""
    return np.array([metadata.offsets.get(person or "", 0.0) for person in people], dtype=np.float64)


def head_start(metadata: ArtifactMetadata, design: Floats, start: Floats, offsets: Floats) -> Floats:
    """Where the booster starts from: the baseline, moved by the lines and the person's own offset."""
    score = offsets if metadata.lines is None else offsets + metadata.lines.answer(design)
    return TARGETS[metadata.kind].moved(start, score)


def contributions_of(
    metadata: ArtifactMetadata, booster: Booster, design: Floats, start: Floats, offsets: Floats
) -> tuple[Floats, Floats]:
    """What each column of the design adds to the raw answer, and the base: rows × columns, rows.

    A column's share is that of its line and that of its trees; the baseline, the intercept and the offset
    are the base.
    """
    table, base = booster.contributions(design, head_start(metadata, design, start, offsets))
    if metadata.lines is None:
        return table, base
    straight = metadata.lines.shares(design)
    return table + straight, base - straight.sum(axis=1)


def _level(metadata: ArtifactMetadata, table: Floats) -> Floats:
    if metadata.level_column is None:
        return np.zeros(len(table))
    return table[:, metadata.columns.index(metadata.level_column)]


def _spread(metadata: ArtifactMetadata, table: Floats) -> Floats:
    if metadata.spread_column is None:
        return np.full(len(table), np.nan)
    return table[:, metadata.columns.index(metadata.spread_column)]


def _bounds(
    metadata: ArtifactMetadata, values: Floats, answerer: npt.NDArray[np.str_], spread: Floats
) -> tuple[Floats, Floats]:
    lower, upper = np.full(len(values), np.nan), np.full(len(values), np.nan)
    for name in np.unique(answerer):
        rows = answerer == name
        table: IntervalTable | None = metadata.intervals.get(str(name))
        if table is not None:
            lower[rows], upper[rows] = table.around(values[rows], spread[rows], metadata.scale)
    return lower, upper
