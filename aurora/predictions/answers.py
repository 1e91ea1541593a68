"""From feature rows to final answers, many rows at a time: baseline, booster on top, interval around.

A person without a usable baseline, or whom the baseline served better lately, is answered by the baseline.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aurora.models.boosters import Booster
from aurora.models.design import design_matrix
from aurora.models.intervals import IntervalTable
from aurora.models.metrics import Floats
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
    metadata: ArtifactMetadata, booster: Booster, table: Floats, prefer_baseline: Bools
) -> Answers:
    """Answer each row of `table`, whose columns are `metadata.columns`. Missing is NaN."""
    start, known = start_of(metadata, table)
    by_model = known & ~prefer_baseline
    best = start.copy()
    if by_model.any():
        design = design_of(metadata, table[by_model])
        best[by_model] = booster.answer(design, start[by_model])
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
    return design_matrix(table[:, : len(metadata.features)], metadata.features, metadata.centred)


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
