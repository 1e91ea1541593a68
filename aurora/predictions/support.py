"""Support: whether a what-if stays where something is known, of this person and of the people learned from.

A model answers anything. Beyond the days that somebody has had, and beyond the rows it was trained on, its answer is
a guess that looks like an answer; there it is refused, and told up to where it would not be.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from aurora.events.measures import DAYPARTS
from aurora.predictions.artifact import ArtifactMetadata
from aurora.predictions.changes import Change
from aurora.predictions.phrases import note_of
from aurora.predictions.reasons import told
from aurora.predictions.tile_changes import Occasion

FEWEST_DAYS: Final = 3
"""On how many of the last 28 days a person must have had something for more of it to be asked about."""

MISSING_IS_USUAL: Final = 0.005
"""A column that was missing in fewer of the training rows is not known without a value."""

Because = Literal["bounds", "yours", "people", "impossible"]


@dataclass(frozen=True)
class Unsupported:
    """A change that is not answered: which, and the range within which it, or the feature named, would be.

    `because`: outside the catalogue's bounds, outside what this person has had, outside what the model was
    trained on (then `feature` says where), or it cannot be made on these days at all.
    """

    change: str
    value: float
    unit: str
    because: Because
    sentence: str
    lowest: float | None = None
    highest: float | None = None
    feature: str | None = None
    feature_value: float | None = None


def within_bounds(change: Change, value: float) -> Unsupported | None:
    """What nobody is answered, whatever their days."""
    if change.lowest <= value <= change.highest:
        return None
    return _outside(change, value, "bounds", change.lowest, change.highest, "what can be asked about at all")


def within_own_days(
    change: Change, value: float, occasion: Occasion, day: date, after: float
) -> Unsupported | None:
    """Whether the day that was touched, with `after` of it, is like one that the person has had.

    Days before today count, without the one that was touched; `occasion` is as it was before the change.
    """
    had = [_had(change, occasion, earlier) for earlier in occasion.earlier_days if earlier != day]
    spans = [span for span in had if span is not None]
    with_any = sum(most > 0 for _, most in spans)
    if after > 0 and with_any < FEWEST_DAYS:
        return Unsupported(
            change.name, value, change.unit, "yours",
            f"{change.name} = {told(value, change.unit)} is not answered: you had it on {with_any} of the last days, "
            f"and fewer than {FEWEST_DAYS} say little about you.",
        )  # fmt: skip
    if not spans:
        return None
    lowest = max(0.0, min(least for least, _ in spans) - change.slack)
    highest = max(most for _, most in spans) + change.slack
    if lowest <= after <= highest:
        return None
    added = occasion.amount(day, change.amount_of) if change.is_added else 0.0
    # Told in what was asked: of one workout more, what the day had already does not count.
    lowest, highest = max(change.lowest, lowest - added), min(change.highest, highest - added)
    return _outside(change, value, "yours", lowest, max(lowest, highest), "what your last 28 days had")


def within_training(
    metadata: ArtifactMetadata,
    changes: Collection[tuple[Change, float]],
    before: Sequence[float],
    after: Sequence[float],
) -> list[Unsupported]:
    """The columns of the design that the changes moved to where the model was not trained.

    One that lay outside already and was not moved further out is not the changes' doing. Without support in
    the artifact nothing can be said.
    """
    found: list[Unsupported] = []
    owners = (*metadata.features, *(entry.feature for entry in metadata.centred))
    others = (*metadata.features, *(entry.centre for entry in metadata.centred))
    for place, column in enumerate(metadata.design_columns):
        support, old, new = metadata.support.get(column), before[place], after[place]
        if support is None or old == new or (math.isnan(old) and math.isnan(new)):
            continue
        if math.isnan(new):
            outside = support.missing < MISSING_IS_USUAL
        else:
            beyond = _beyond(new, support.low, support.high)
            outside = beyond > 0 and not beyond <= _beyond(old, support.low, support.high)
        if outside:
            moved = {owners[place], others[place]}
            change, value = next(
                (entry for entry in changes if moved & set(entry[0].features)), next(iter(changes))
            )
            found.append(_untrained(change, value, owners[place], column, new, (support.low, support.high)))
    return found


def _had(change: Change, occasion: Occasion, day: date) -> tuple[float, float] | None:
    """The least and the most that the person may have had of it on an earlier day, at this hour if it is a
    matter of today; None where that is not known.
    """
    in_all = occasion.amount(day, change.amount_of)
    if in_all <= 0:
        return (0.0, 0.0) if change.none_is_none else None
    if not change.is_so_far:
        return in_all, in_all
    over = {part for part, (_, end) in DAYPARTS.items() if end <= occasion.hour}
    begun = {part for part, (start, _) in DAYPARTS.items() if start <= occasion.hour}
    parts = {name.rpartition("_")[2]: name for name in change.measures if name.rpartition("_")[2] in DAYPARTS}
    if not parts:
        return 0.0, in_all
    # The amount is either some of the parts, or all of them by their total.
    counted = {part: name for part, name in parts.items() if name in change.amount_of} or parts
    least = occasion.amount(day, tuple(name for part, name in counted.items() if part in over))
    most = occasion.amount(day, tuple(name for part, name in counted.items() if part in begun))
    return least, most


def _beyond(value: float, low: float, high: float) -> float:
    """How far a value lies outside; infinite for what was missing, 0 inside."""
    return math.inf if math.isnan(value) else max(low - value, value - high, 0.0)


def _outside(change: Change, value: float, because: Because, low: float, high: float, of: str) -> Unsupported:
    return Unsupported(
        change.name, value, change.unit, because,
        f"{change.name} = {told(value, change.unit)} lies outside {of}: from {told(low, change.unit)} to "
        f"{told(high, change.unit)} is answered.",
        low, high,
    )  # fmt: skip


def _untrained(
    change: Change, value: float, feature: str, column: str, at: float, supported: tuple[float, float]
) -> Unsupported:
    note, (low, high) = note_of(feature), supported
    what = note.label if column == feature else f"{note.label}, beside your usual,"
    where = "would not be known" if math.isnan(at) else f"would be {told(at, note.unit)}"
    return Unsupported(
        change.name, value, change.unit, "people",
        f"{change.name} = {told(value, change.unit)}: {what} {where}; of the people that the model learned from nearly "
        f"all lay between {told(low, note.unit)} and {told(high, note.unit)}.",
        low, high, column, None if math.isnan(at) else at,
    )  # fmt: skip
