"""The recovery score: this morning's heart and night, against the person's own last four weeks."""

from __future__ import annotations

import math
from typing import Final

from aurora.features.expressions import Column, Expression, choose, clip, interpolate, ln
from aurora.features.windows import Window
from aurora.scores.specification import Calibration, Citation, Factor, Input, ScoreSpec

BASELINE_DAYS: Final = 27
"""The local days before this one that are the baseline: with it they are the 28 that tiles are kept for."""

MIN_BASELINE_DAYS: Final = 7
"""With fewer days of its own a factor is not judged, though another one's may be enough for the score."""

CALIBRATED_DAYS: Final = 14

_LARGEST_STD: Final = 1_000
"""More than any of them can be: only the smallest matters."""


def _today(measure: str, unit: str, what: str) -> Input:
    return Input.of_window(Window(measure, "mean", 1), unit, f"{what}, mean of the local day")


def _before(measure: str, aggregate: str, unit: str, what: str) -> Input:
    window = Window(measure, aggregate, BASELINE_DAYS, lag=1)
    return Input.of_window(window, unit, f"{what} of the {BASELINE_DAYS} local days before")


_HRV = _today("hrv", "ms", "Heart-rate variability (RMSSD)")
_HRV_MEAN = _before("hrv", "ln_mean_of_days", "ln ms", "Mean of the logarithm of daily RMSSD")
_HRV_STD = _before("hrv", "ln_std_of_days", "ln ms", "Standard deviation of the logarithm of daily RMSSD")
_HRV_DAYS = _before("hrv", "days", "days", "How many have RMSSD,")

_PULSE = _today("resting_heart_rate", "bpm", "Resting heart rate")
_PULSE_MEAN = _before("resting_heart_rate", "mean_of_days", "bpm", "Mean of daily resting heart rate")
_PULSE_STD = _before(
    "resting_heart_rate", "std_of_days", "bpm", "Standard deviation of daily resting heart rate"
)
_PULSE_DAYS = _before("resting_heart_rate", "days", "days", "How many have a resting heart rate,")

_EFFICIENCY = _today("sleep_efficiency", "%", "Asleep share of the time in bed")
_EFFICIENCY_MEAN = _before("sleep_efficiency", "mean_of_days", "%", "Mean of daily sleep efficiency")
_EFFICIENCY_STD = _before(
    "sleep_efficiency", "std_of_days", "%", "Standard deviation of daily sleep efficiency"
)
_EFFICIENCY_DAYS = _before("sleep_efficiency", "days", "days", "How many have a sleep efficiency,")


def _points(above_usual: Expression, std: Input, smallest_std: float, days: Input) -> Expression:
    """A straight line from 0 at two standard deviations below usual to 100 at two above; usual is 50."""
    z = above_usual / clip(Column(std.name), smallest_std, _LARGEST_STD)
    return choose(Column(days.name), (MIN_BASELINE_DAYS, math.inf, interpolate(z, (-2, 0), (2, 100))))


# Standard deviations below what devices can tell apart are their rounding, not the person: 2 % of RMSSD,
# half a beat, half a per cent of the night.
_HRV_POINTS = _points(ln(Column(_HRV.name)) - Column(_HRV_MEAN.name), _HRV_STD, 0.02, _HRV_DAYS)
_PULSE_POINTS = _points(Column(_PULSE_MEAN.name) - Column(_PULSE.name), _PULSE_STD, 0.5, _PULSE_DAYS)
_EFFICIENCY_POINTS = _points(
    Column(_EFFICIENCY.name) - Column(_EFFICIENCY_MEAN.name), _EFFICIENCY_STD, 0.5, _EFFICIENCY_DAYS
)

RECOVERY: Final = ScoreSpec(
    name="recovery",
    version=2,
    description="Heart-rate variability, resting heart rate and sleep efficiency against the person's own.",
    sources=(
        Citation(
            "Plews et al. (2013). Training adaptation and heart rate variability in elite endurance athletes. "
            "Sports Medicine 43(9): 773–781. The logarithm of RMSSD against the athlete's own.",
            "https://doi.org/10.1007/s40279-013-0071-8",
        ),
        Citation(
            "Kiviniemi et al. (2007). Endurance training guided individually by daily heart rate variability "
            "measurements. European Journal of Applied Physiology 101(6): 743–751. Standard deviations below "
            "the own mean of the days before call for rest.",
            "https://doi.org/10.1007/s00421-007-0552-2",
        ),
        Citation(
            "Buchheit (2014). Monitoring training status with HR measures: do all roads lead to Rome? "
            "Frontiers in Physiology 5: 73. Resting heart rate beside its variability.",
            "https://doi.org/10.3389/fphys.2014.00073",
        ),
    ),
    inputs=(
        *(_HRV, _HRV_MEAN, _HRV_STD, _HRV_DAYS),
        *(_PULSE, _PULSE_MEAN, _PULSE_STD, _PULSE_DAYS),
        *(_EFFICIENCY, _EFFICIENCY_MEAN, _EFFICIENCY_STD, _EFFICIENCY_DAYS),
    ),
    factors=(
        Factor("heart_rate_variability", "ms", "above your usual", 40, Column(_HRV.name), _HRV_POINTS),
        Factor("resting_heart_rate", "bpm", "below your usual", 30, Column(_PULSE.name), _PULSE_POINTS),
        Factor("sleep_efficiency", "%", "above your usual", 30, Column(_EFFICIENCY.name), _EFFICIENCY_POINTS),
    ),
    # A night alone is the sleep score's.
    needs_one_of=("heart_rate_variability", "resting_heart_rate"),
    calibration=Calibration((_HRV_DAYS.name, _PULSE_DAYS.name), CALIBRATED_DAYS),
    is_relative=True,
)
