"""Reasons: which features moved an answer most, told so that a person can follow.

A reason says what went along with the answer in the people the model learned from. It does not say "because".
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

import numpy as np

from aurora.models.metrics import Floats, Ints
from aurora.predictions.artifact import ArtifactMetadata, FeatureNote
from aurora.predictions.prediction import Reason

TOLD = 3
LEAST_CONTRIBUTION = 0.01


def by_feature(contributions: Floats, owners: Ints, features: int) -> Floats:
    """Contributions of design columns (last axis) added up by the feature that each column speaks for."""
    return contributions @ (owners[:, None] == np.arange(features))


def top_reasons(
    metadata: ArtifactMetadata,
    contributions: Sequence[float],
    vector: Sequence[float],
    *,
    most: int = TOLD,
) -> tuple[Reason, ...]:
    """The features with the largest shares, largest first; shares too small to speak of are left out.

    What is known goes before what is missing: a person learns little from "is not known".
    """
    told = [
        (math.isnan(vector[number]), -abs(contribution), number)
        for number, contribution in enumerate(contributions)
        if abs(contribution) >= LEAST_CONTRIBUTION
    ]
    return tuple(
        _reason(metadata, number, contributions[number], vector[number])
        for _, _, number in heapq.nsmallest(most, told)
    )


def _reason(metadata: ArtifactMetadata, number: int, contribution: float, value: float) -> Reason:
    name = metadata.features[number]
    note = metadata.notes.get(name) or FeatureNote(label=name.replace("_", " "))
    known = None if math.isnan(value) else value
    subject = f"{note.label} is not known" if known is None else f"{note.label} ({told(known, note.unit)})"
    joint = ", which" if known is None else ""
    return Reason(
        name,
        known,
        note.unit,
        contribution,
        f"{subject}{joint} {_effect(metadata, contribution)}",
    )


def _effect(metadata: ArtifactMetadata, contribution: float) -> str:
    if metadata.kind == "classes":
        return f"goes with a {'better' if contribution > 0 else 'worse'} {metadata.label.lower()}"
    direction = "more" if contribution > 0 else "less"
    return f"goes with {abs(contribution):.1f} {metadata.unit} {direction} {metadata.label.lower()}"


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def told(value: float, unit: str) -> str:
    """A value as a person says it: minutes as hours and minutes, few digits, the unit behind."""
    if unit == "min" and abs(value) >= 90:
        hours, minutes = divmod(round(abs(value)), 60)
        return f"{'−' if value < 0 else ''}{hours} h {minutes:02d} min"
    if unit == "hour of day":
        hour, minute = divmod(round(value * 60) % 1440, 60)
        return f"{hour:02}:{minute:02}"
    if unit == "0/1":
        return "yes" if value else "no"
    if unit == "day" and value in range(1, 8):
        return _WEEKDAYS[int(value) - 1]
    if unit == "share":
        return f"{value:.0%}"
    number = f"{value:.0f}" if abs(value) >= 100 or value == round(value) else f"{value:.{_digits(value)}f}"
    return f"{number} {unit}".strip()


def _digits(value: float) -> int:
    return 1 if abs(value) >= 1 else 2
