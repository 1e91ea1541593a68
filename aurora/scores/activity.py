"""The activity score: the trailing week's minutes of exercise, judged as Life's Essential 8 does."""

from __future__ import annotations

from typing import Final

from aurora.features.expressions import Column, steps
from aurora.features.windows import Window
from aurora.scores.specification import Calibration, Citation, Factor, Input, ScoreSpec, ToldDays

WEEK_DAYS: Final = 7

MIN_TOLD_DAYS: Final = 4
"""Told days of the seven that a week's minutes can be judged by, as studies with accelerometers ask for."""

TOLD_BY: Final = (
    "active_minutes",
    "sleep_minutes",
    "steps",
    "resting_heart_rate",
    "hrv",
    "work_minutes",
    "meals",
    "hydration",
    "caffeine",
    "alcohol",
    "medication_doses",
    "social_events",
    "meditation_minutes",
    "mood",
    "energy",
    "stress",
)
"""What says that a day was lived with a watch or a diary, so that exercise would have been told as well. Weather,
appointments, a phone's screen time and a scale tell of themselves on days of which nobody told anything."""

_ACTIVE = Input.of_window(
    Window("active_minutes", "sum", WEEK_DAYS),
    "min",
    f"Moderate + 2 × vigorous minutes of the last {WEEK_DAYS} local days; of a workout without intensity its time",
)
_TOLD = Input(
    f"told_days_{WEEK_DAYS}d",
    "days",
    f"Local days of the last {WEEK_DAYS} of which anything was told by a watch or a diary",
    ToldDays(TOLD_BY, WEEK_DAYS),
)

_minutes = Column(_ACTIVE.name)

_SMALLEST_MINUTES = 0.001
"""Measures are kept in thousandths: this is the least that is more than nothing."""

ACTIVITY: Final = ScoreSpec(
    name="activity",
    version=2,
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
        Citation(
            "Troiano et al. (2008). Physical activity in the United States measured by accelerometer. Medicine & "
            "Science in Sports & Exercise 40(1): 181–188. A week is judged by four of its days or more.",
            "https://doi.org/10.1249/mss.0b013e31815a51b3",
        ),
    ),
    inputs=(_ACTIVE, _TOLD),
    factors=(
        Factor(
            "active_minutes",
            "min",
            "≥ 150",
            100,
            _minutes,
            steps(
                _minutes,
                (150, 100),
                (120, 90),
                (90, 80),
                (60, 60),
                (30, 40),
                (_SMALLEST_MINUTES, 20),
                below=0,
            ),
            known=Column(_TOLD.name) / WEEK_DAYS,
        ),
    ),
    calibration=Calibration((_TOLD.name,), MIN_TOLD_DAYS),
)
