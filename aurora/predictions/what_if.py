"""What-if: what the same model says of a person's day and of that day with something changed.

    answer = what_if(predictor, occasion, [Asked("sleep_minutes", 480)], user_id=user_id)

The answer is the difference of two predictions. It says what went along with such days in the people that the
model learned from: an association. Only an experiment could say what the change would do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from aurora.features.vector import vector
from aurora.predictions.changes import CHANGES, Change
from aurora.predictions.difference import reach_of_difference
from aurora.predictions.prediction import Prediction
from aurora.predictions.predictor import Predictor
from aurora.predictions.reasons import told
from aurora.predictions.support import Unsupported, within_bounds, within_own_days, within_training
from aurora.predictions.tile_changes import Occasion

TOO_SMALL_TO_TELL = {"points": 0.05, "valence": 0.01}
"""A change that would be told as nothing, by unit."""


@dataclass(frozen=True)
class Asked:
    """One change that somebody asks about. `hours_ago`: how long ago it ended."""

    name: str
    value: float
    hours_ago: float | None = None


@dataclass(frozen=True)
class WhatIf:
    """Two answers of one model, and what lies between them.

    `lower` and `upper` bound the change: 90 %, by chance in whom the model met and by how much the effect differs
    between people and parts of the day (`aurora.predictions.difference`). They know nothing of what else differs
    between such days. None in an artifact without models of halves.
    """

    before: Prediction
    after: Prediction
    change: float
    lower: float | None
    upper: float | None
    features: dict[str, tuple[float | None, float | None]]
    """The model's inputs that moved: before, after."""
    is_checked_with_people: bool
    """Whether the artifact knows what it was trained on."""
    sentence: str


@dataclass(frozen=True)
class Refused:
    """Not answered: outside what is known."""

    unsupported: tuple[Unsupported, ...]


@dataclass(frozen=True)
class NotTheModels:
    """The model answers nobody without ratings, and leaves others to the baseline: which knows of no change."""

    reason: str


def what_if(
    predictor: Predictor, occasion: Occasion, asked: Sequence[Asked], *, user_id: object
) -> WhatIf | Refused | NotTheModels:
    """The answer to some changes made together."""
    changed = _changed(occasion, asked)
    if isinstance(changed, Refused):
        return changed
    # All features: a model of an older catalogue may know fewer, and finds those that it knows.
    vectors = [vector(each.tiles, each.moment) for each in (occasion, changed)]
    before, after = predictor.predict_many(vectors, [user_id, user_id])
    if before.model_source != "model":
        return NotTheModels(_why_not(predictor, before))
    table = predictor.table(vectors)
    design = predictor.design(table)
    changes = [(CHANGES[each.name], each.value) for each in asked]
    untrained = within_training(predictor.metadata, changes, design[0].tolist(), design[1].tolist())
    if untrained:
        return Refused(tuple(untrained))
    change = (after.value or 0.0) - (before.value or 0.0)
    reach = reach_of_difference(predictor, table, user_id, after)
    lower, upper = (None, None) if reach is None else (change - reach, change + reach)
    moved = {
        name: (vectors[0].get(name), vectors[1].get(name))
        for name in predictor.metadata.columns
        if vectors[0].get(name) != vectors[1].get(name)
    }
    return WhatIf(
        before, after, change, lower, upper, moved,
        bool(predictor.metadata.support),
        _sentence(predictor, asked, change, lower, upper),
    )  # fmt: skip


def _changed(occasion: Occasion, asked: Sequence[Asked]) -> Occasion | Refused:
    """The days with all changes made, one after the other; or all that speaks against them."""
    against: list[Unsupported] = []
    touched: set[str] = set()
    for each in asked:
        change = CHANGES[each.name]
        problem = _not_possible(change, each, touched) or within_bounds(change, each.value)
        touched.update(change.measures)
        if problem is None:
            at = None if each.hours_ago is None else occasion.at(each.hours_ago)
            made = change.apply(occasion, each.value, at)
            if isinstance(made, str):
                problem = _impossible(change, each, made)
            else:
                now = replace(occasion, tiles=made.tiles)
                amount = now.amount(made.day, change.amount_of)
                problem = within_own_days(change, each.value, occasion, made.day, amount)
                occasion = now
        if problem is not None:
            against.append(problem)
    return Refused(tuple(against)) if against else occasion


def _not_possible(change: Change, asked: Asked, touched: set[str]) -> Unsupported | None:
    if touched & set(change.measures):
        return _impossible(change, asked, "another change of the same question is about the same thing")
    if asked.hours_ago is not None and change.hours_ago is None:
        return _impossible(change, asked, "it takes no hours_ago")
    return None


def _impossible(change: Change, asked: Asked, why: str) -> Unsupported:
    return Unsupported(
        change.name, asked.value, change.unit, "impossible", f"{change.name} cannot be changed so: {why}."
    )


def _why_not(predictor: Predictor, prediction: Prediction) -> str:
    if prediction.baseline_name == predictor.metadata.baseline_name:
        return f"the {predictor.name} model leaves you to the baseline, which served you better lately"
    return f"you have not rated your {predictor.name} in the last 28 days, and the model starts from that"


def _sentence(
    predictor: Predictor, asked: Sequence[Asked], change: float, lower: float | None, upper: float | None
) -> str:
    """What went along with such days. It does not say "because"."""
    said = " and ".join(_phrase(each) for each in asked)
    label, unit = predictor.metadata.label.lower(), predictor.metadata.unit
    close = TOO_SMALL_TO_TELL.get(unit, 0.0)
    may_be_none = lower is not None and upper is not None and lower <= 0 <= upper
    if abs(change) < close:
        effect = f"about the same {label}"
    else:
        digits = 2 if unit == "valence" else 1
        more = "more" if change > 0 else "less"
        effect = (
            f"{abs(change):.{digits}f} {unit} {'better' if change > 0 else 'worse'} {label}"
            if predictor.metadata.kind == "classes"
            else f"{abs(change):.{digits}f} {unit} {more} {label}"
        )
        effect += ", which for you may be none" if may_be_none else ""
    return (
        f"People's days like this one with {said} went with {effect}. "
        "This is an association, not an experiment: what else differs between such days is in it."
    )


def _phrase(asked: Asked) -> str:
    change = CHANGES[asked.name]
    ago = change.hours_ago if asked.hours_ago is None else asked.hours_ago
    phrase = change.phrase.replace("{amount} of", "no") if asked.value == 0 else change.phrase
    return phrase.format(amount=told(asked.value, change.unit), ago=told(ago or 0.0, "h"))
