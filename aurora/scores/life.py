"""The life score: the unweighted mean of the scores that this local day has."""

from __future__ import annotations

from typing import Final

from aurora.features.expressions import Column
from aurora.scores.specification import (
    TOTAL_WEIGHT,
    Calibration,
    Citation,
    Factor,
    Input,
    PartScore,
    ScoredDays,
    ScoreSpec,
)

PARTS: Final = (
    "sleep",
    "sleep_regularity",
    "activity",
    "recovery",
    "mood",
    "energy",
    "work_balance",
    "social",
)
"""The scores it is the mean of. A change is a new version."""

_SCORED_DAYS = Input(
    "scored_days_28d",
    "days",
    "Local days of the last 28, this one included, on which at least one part is SCORED",
    ScoredDays(28),
)


def _part(name: str) -> Factor:
    score = Column(f"{name}_score")
    return Factor(name, "points", "→ 100", TOTAL_WEIGHT / len(PARTS), score, score)


LIFE: Final = ScoreSpec(
    name="life",
    version=2,
    description="The unweighted mean of the day's other scores, as far as known: at least three of the eight.",
    sources=(
        Citation(
            "Lloyd-Jones et al. (2022). Life's Essential 8. Circulation 146(5): e18–e43. An overall score "
            "that is the unweighted mean of its parts.",
            "https://doi.org/10.1161/CIR.0000000000001078",
        ),
    ),
    inputs=(
        *(
            Input(f"{name}_score", "points", f"The {name} score of this day", PartScore(name))
            for name in PARTS
        ),
        _SCORED_DAYS,
    ),
    factors=tuple(_part(name) for name in PARTS),
    # Two scores can come from one source, as mood and energy do from one form: three are the least of a life.
    min_factors=3,
    calibration=Calibration((_SCORED_DAYS.name,), 14),
)
