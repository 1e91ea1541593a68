"""The Three-Process Model of alertness, as a prior of energy from sleep and the clock alone.

Åkerstedt & Folkard (1997), Chronobiology International 14(2); parameters as published and used in the
sleepiness predictors of Ingre et al. (2014), PLoS ONE 9(10): e108679.
"""

from __future__ import annotations

import math
from typing import Final

from aurora.features.expressions import Expression, choose, clip, cos, exp

S_AT_SLEEP_ONSET: Final = 7.96
S_LOWER: Final = 2.4
S_UPPER: Final = 14.3
S_BREAK: Final = 12.2
"""Asleep, S rises in a straight line up to here and approaches S_UPPER exponentially from here on."""

RECOVERY_PER_HOUR: Final = 0.3814
DECAY_PER_HOUR: Final = 0.0353

_LINEAR_RISE: Final = RECOVERY_PER_HOUR * (S_UPPER - S_BREAK)
_HOURS_TO_BREAK: Final = (S_BREAK - S_AT_SLEEP_ONSET) / _LINEAR_RISE


def energy_prior(asleep_hours: Expression, hours_awake: Expression, hour_of_day: Expression) -> Expression:
    """Energy 0–10 to be expected from the last sleep, the time since waking and the time of day.

    Golden: woken 07:00, at 10:00 after 8 h asleep 6.66, after 6 h 6.09, after 4 h 5.05.
    """
    s_at_waking = choose(
        asleep_hours,
        (0, _HOURS_TO_BREAK, S_AT_SLEEP_ONSET + _LINEAR_RISE * asleep_hours),
        (
            _HOURS_TO_BREAK,
            math.inf,
            S_UPPER - (S_UPPER - S_BREAK) * exp(-RECOVERY_PER_HOUR * (asleep_hours - _HOURS_TO_BREAK)),
        ),
    )
    s = S_LOWER + (s_at_waking - S_LOWER) * exp(-DECAY_PER_HOUR * hours_awake)
    c = 2.5 * cos((2 * math.pi / 24) * (hour_of_day - 16.8))
    u = -0.5 + 0.5 * cos((2 * math.pi / 12) * (hour_of_day - 19.8))
    w = -5.72 * exp(-1.51 * hours_awake)
    sleepiness = 10.6 - 0.6 * (s + c + u + w)
    return clip(10 * (9 - sleepiness) / 8, 0, 10)
