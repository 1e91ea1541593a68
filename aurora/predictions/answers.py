"""From feature rows to final answers, many rows at a time: baseline, booster on top, interval around.

A person without a usable baseline, or whom the baseline served better lately, is answered by the baseline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aurora.models.boosting import Booster, TreeShares
from aurora.models.intervals import within
from aurora.models.metrics import Bools, Floats
from aurora.models.targets import TARGETS
from aurora.predictions.artifact import ArtifactMetadata

MODEL = "model"
GLOBAL_MEAN = "global_mean"
"""The answer when a person has no history at all: the mean, or the class shares, of the training labels."""


@dataclass(frozen=True)
class Answers:
    """Final answers, one per row.

    `probabilities` and the baseline's `start` have one column per class; for a regression `probabilities` is
    None and `start` is one value per row.
    """

    values: Floats
    probabilities: Floats | None
    start: Floats
    baseline: Floats
    baseline_name: str
    known: Bools
    """Whether the baseline comes from the person's own history; else it is the global mean."""
    lower: Floats
    upper: Floats
    by_model: Bools
    trees: TreeShares | None = None
    """Of the rows that the model answers, and where it was asked for them, what its trees' answers are made of."""

    @property
    def answerer(self) -> npt.NDArray[np.str_]:
        """Who gave each answer: "model", the baseline, or the global mean."""
        return np.where(self.by_model, MODEL, np.where(self.known, self.baseline_name, GLOBAL_MEAN))

    def baseline_of(self, row: int) -> str:
        """The name of the baseline of one row."""
        return self.baseline_name if self.known[row] else GLOBAL_MEAN


def answer_rows(
    metadata: ArtifactMetadata,
    booster: Booster,
    table: Floats,
    people: Sequence[str | None],
    *,
    fallback: bool = True,
    with_trees: bool = False,
) -> Answers:
    """Answer each row of `table`, whose columns are `metadata.columns`. Missing is NaN.

    `people` has the digest of each row's person, None for nobody in particular. Without `fallback` the model
    answers also whom the baseline served better. Answers `with_trees` can be explained without asking the trees again.
    """
    start, known = start_of(metadata, table)
    by_model = known
    if fallback and metadata.baseline_people:
        by_model = known & np.array([person not in metadata.baseline_people for person in people], dtype=bool)
    # One row is the usual case: what would only pick or copy all rows is left out.
    if len(table) and _all(by_model):
        best, trees = _of_model(metadata, booster, table, people, start, with_trees=with_trees)
    else:
        best, trees, rows = start.copy(), None, np.flatnonzero(by_model)
        if len(rows):
            whose = [people[row] for row in rows.tolist()]
            best[rows], trees = _of_model(
                metadata, booster, table[rows], whose, start[rows], with_trees=with_trees
            )
    if metadata.kind == "regression":
        values, baseline, probabilities = within(best, metadata.scale), start, None
    else:
        levels = metadata.places.class_values
        values, baseline, probabilities = best @ levels, start @ levels, best
    lower, upper = _bounds(metadata, values, by_model, known, _spread(metadata, table))
    return Answers(
        values, probabilities, start, baseline, metadata.baseline_name, known, lower, upper, by_model, trees
    )


def _of_model(
    metadata: ArtifactMetadata,
    booster: Booster,
    table: Floats,
    people: Sequence[str | None],
    start: Floats,
    *,
    with_trees: bool,
) -> tuple[Floats, TreeShares | None]:
    """The start of each row moved by all that was learned: lines, offsets and trees."""
    design = design_of(metadata, table)
    # Shares add up to the score: to ask for both would cost a good part of it again.
    trees = booster.shares(design) if with_trees else None
    of_trees = booster.score(design) if trees is None else trees.score
    score = _score_before_trees(metadata, design, offsets_of(metadata, people)) + of_trees
    return TARGETS[metadata.kind].moved(start, score), trees


def start_of(metadata: ArtifactMetadata, table: Floats) -> tuple[Floats, Bools]:
    """The baseline that the booster starts from, and whether it comes from the person's own history."""
    places = metadata.places
    columns, prior = table.take(places.baseline, axis=1), places.prior
    if metadata.kind == "regression":
        own = columns[:, 0]
        known = ~np.isnan(own)
        return (own if _all(known) else np.where(known, own, prior[0])), known
    start = metadata.start.of(_column(table, places.level, 0.0), places.class_values, columns, prior)
    known = ~np.isnan(start[:, 0])
    return (start if _all(known) else np.where(known[:, None], start, prior[None, :])), known


def design_of(metadata: ArtifactMetadata, table: Floats) -> Floats:
    """The columns that the booster was trained on."""
    return metadata.places.centring.design(table)


def offsets_of(metadata: ArtifactMetadata, people: Sequence[str | None]) -> Floats:
    """What is added to the raw answer of each of these people (digests)."""
    return np.array([metadata.offsets.get(person or "", 0.0) for person in people], dtype=np.float64)


def head_start(metadata: ArtifactMetadata, design: Floats, start: Floats, offsets: Floats) -> Floats:
    """Where the booster starts from: the baseline, moved by the lines and the person's own offset."""
    return TARGETS[metadata.kind].moved(start, _score_before_trees(metadata, design, offsets))


def contributions_of(
    metadata: ArtifactMetadata, trees: TreeShares, design: Floats, start: Floats, offsets: Floats
) -> tuple[Floats, Floats]:
    """What each column of the design adds to the raw answer, and the base: rows × columns, rows.

    A column's share is that of its line and that of its trees, whose shares of these rows are `trees`; the baseline,
    the intercept and the offset are the base. In units of the target; for classes in log-odds of the answered class
    against the next worse one.
    """
    begun = head_start(metadata, design, start, offsets)
    table, base = trees.table, trees.base + TARGETS[metadata.kind].before(begun, trees.score)
    if metadata.lines is None:
        return table, base
    straight = metadata.lines.shares(design)
    return table + straight, base - straight.sum(axis=1)


def _score_before_trees(metadata: ArtifactMetadata, design: Floats, offsets: Floats) -> Floats:
    return offsets if metadata.lines is None else offsets + metadata.lines.answer(design)


def _spread(metadata: ArtifactMetadata, table: Floats) -> Floats:
    return _column(table, metadata.places.spread, np.nan)


def _column(table: Floats, place: int | None, otherwise: float) -> Floats:
    return np.full(len(table), otherwise) if place is None else table[:, place]


def _bounds(
    metadata: ArtifactMetadata, values: Floats, by_model: Bools, known: Bools, spread: Floats
) -> tuple[Floats, Floats]:
    """The interval of who answered, around each answer; NaN where that has none."""
    if len(values) and _all(by_model) and (of_model := metadata.intervals.get(MODEL)) is not None:
        return of_model.around(values, spread, metadata.scale)
    lower, upper = np.full(len(values), np.nan), np.full(len(values), np.nan)
    answerers = {
        MODEL: by_model, metadata.baseline_name: known & ~by_model, GLOBAL_MEAN: ~known
    }  # fmt: skip
    for name, rows in answerers.items():
        table = metadata.intervals.get(name)
        if table is not None and rows.any():
            lower[rows], upper[rows] = table.around(values[rows], spread[rows], metadata.scale)
    return lower, upper


def _all(flags: Bools) -> bool:
    # Of one row three times as fast as `flags.all()`.
    return np.count_nonzero(flags) == len(flags)
