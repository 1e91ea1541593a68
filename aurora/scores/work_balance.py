"""The work balance score: how little the person worked today, among their own working days."""

from __future__ import annotations

from typing import Final

from aurora.scores.own_days import OwnDays
from aurora.scores.specification import Citation, Factor, ScoreSpec

_DAYS: Final = OwnDays("work_minutes", "Worked", "Working days")

WORK_BALANCE: Final = ScoreSpec(
    name="work_balance",
    version=1,
    description=(
        "Relative: the share of the person's own recent working days on which they worked longer than today. "
        "50 is an ordinary working day of theirs, whatever its hours; days without recorded work have none."
    ),
    sources=(
        Citation(
            "Pega et al. (2021). Global, regional, and national burdens of ischemic heart disease and stroke "
            "attributable to exposure to long working hours. Environment International 154: 106595. Why more "
            "is not better; there is no public standard for a day.",
            "https://doi.org/10.1016/j.envint.2021.106595",
        ),
    ),
    inputs=_DAYS.inputs,
    factors=(
        Factor(
            "work",
            "min",
            "less than your usual working day",
            100,
            _DAYS.total_column,
            100 - _DAYS.rank_column,
        ),
    ),
    calibration=_DAYS.calibration,
    is_relative=True,
)
