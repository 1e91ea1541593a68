"""The activity score: the trailing week's minutes of exercise, judged as Life's Essential 8 does."""

from __future__ import annotations

from typing import Final

from aurora.features.expressions import Column, coalesce, steps
from aurora.features.windows import Window
from aurora.scores.specification import Citation, Factor, Input, ScoreSpec

_MODERATE = Input.of_window(
    Window("exercise_moderate_minutes", "sum", 7), "min", "Moderate activity of the last 7 local days"
)
_VIGOROUS = Input.of_window(
    Window("exercise_vigorous_minutes", "sum", 7), "min", "Vigorous activity of the last 7 local days"
)
_EXERCISE = Input.of_window(
    Window("exercise_minutes", "sum", 7), "min", "Exercise of any intensity of the last 7 local days"
)

_moderate, _vigorous = Column(_MODERATE.name), Column(_VIGOROUS.name)

# A vigorous minute counts twice. Where no event of the week states an intensity, the minutes exercised count
# as moderate: the smaller credit, and what Life's Essential 8 asks people for.
_MINUTES = coalesce(_moderate + 2 * _vigorous, _moderate, 2 * _vigorous, Column(_EXERCISE.name))

_SMALLEST_MINUTES = 0.001
"""Measures are kept in thousandths: this is the least that is more than nothing."""

ACTIVITY: Final = ScoreSpec(
    name="activity",
    version=1,
    description="Moderate and vigorous minutes of the seven local days that end with this one.",
    sources=(
        Citation(
            "Lloyd-Jones et al. (2022). Life's Essential 8. Circulation 146(5): e18–e43. Points of activity.",
            "https://doi.org/10.1161/CIR.0000000000001078",
        ),
        Citation(
            "Bull et al. (2020). WHO guidelines on physical activity and sedentary behaviour. British "
            "Journal of Sports Medicine 54(24): 1451–1462. 150–300 moderate or 75–150 vigorous minutes.",
            "https://doi.org/10.1136/bjsports-2020-102955",
        ),
    ),
    inputs=(_MODERATE, _VIGOROUS, _EXERCISE),
    factors=(
        Factor(
            "active_minutes",
            "min",
            "≥ 150",
            100,
            _MINUTES,
            steps(
                _MINUTES,
                (150, 100),
                (120, 90),
                (90, 80),
                (60, 60),
                (30, 40),
                (_SMALLEST_MINUTES, 20),
                below=0,
            ),
        ),
    ),
)
