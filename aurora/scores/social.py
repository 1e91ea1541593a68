"""The social score: how long the person was with others today, among their own days with company."""

from __future__ import annotations

from typing import Final

from aurora.scores.own_days import OwnDays
from aurora.scores.specification import Citation, Factor, ScoreSpec

_DAYS: Final = OwnDays("social_minutes", "With others", "Days with company")

SOCIAL: Final = ScoreSpec(
    name="social",
    version=1,
    description=(
        "Relative: the share of the person's own recent days with company on which it was shorter than today. "
        "50 is an ordinary such day of theirs; days without recorded company have none."
    ),
    sources=(
        Citation(
            "Sun, Harris & Vazire (2020). Is well-being associated with the quantity and quality of social "
            "interactions? Journal of Personality and Social Psychology 119(6): 1478–1496. More than one's "
            "own usual goes with feeling better; there is no public standard for an amount.",
            "https://doi.org/10.1037/pspp0000272",
        ),
    ),
    inputs=_DAYS.inputs,
    factors=(
        Factor(
            "company",
            "min",
            "more than your usual day with company",
            100,
            _DAYS.total_column,
            _DAYS.rank_column,
        ),
    ),
    calibration=_DAYS.calibration,
    is_relative=True,
)
