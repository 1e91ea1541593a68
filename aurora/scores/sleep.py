"""The sleep score of the night that ended on a local day.

Shape and weights as in the open sleep score of Open Wearables; points from the sources below. Unlike there,
a night without stages is not a night with none: what is missing is left out.
"""

from __future__ import annotations

from typing import Final

from aurora.features.expressions import Column, interpolate
from aurora.scores.bedtime import MIN_USUAL_NIGHTS, USUAL_BEDTIME_DAYS
from aurora.scores.specification import Citation, Factor, Input, NightColumn, ScoreSpec


def _night(name: str, description: str, *, earlier_days: int = 0) -> Input:
    return Input(name, "min", description, NightColumn(name, earlier_days))


_ASLEEP = Column("asleep_minutes")
_DEEP = Column("deep_minutes")
_REM = Column("rem_minutes")
_AWAKE = Column("awake_minutes")
_DEVIATION = Column("bedtime_deviation_minutes")

# Life's Essential 8 gives points to bins of hours. Each bin's middle earns the bin's points, straight lines
# join them, and the whole recommended range earns 100: five minutes never cost thirty points.
_DURATION_POINTS = interpolate(
    _ASLEEP,
    (210, 0),
    (270, 20),
    (330, 40),
    (390, 70),
    (420, 100),
    (540, 100),
    (570, 90),
    (630, 40),
)

SLEEP: Final = ScoreSpec(
    name="sleep",
    version=1,
    description="How long, deep, regular and unbroken the night was that ended on this day.",
    sources=(
        Citation(
            "Lloyd-Jones et al. (2022). Life's Essential 8. Circulation 146(5): e18–e43. Points of duration.",
            "https://doi.org/10.1161/CIR.0000000000001078",
        ),
        Citation(
            "Hirshkowitz et al. (2015). National Sleep Foundation's sleep time duration recommendations. "
            "Sleep Health 1(1): 40–43. Seven to nine hours for adults.",
            "https://doi.org/10.1016/j.sleh.2014.12.010",
        ),
        Citation(
            "Boulos et al. (2019). Normal polysomnography parameters in healthy adults. Lancet Respiratory "
            "Medicine 7(6): 533–543. About a fifth of the night is deep, a fifth REM: 90 min of 7.5 h.",
            "https://doi.org/10.1016/S2213-2600(19)30057-8",
        ),
        Citation(
            "Huang, Mariani & Redline (2020). Sleep irregularity and risk of cardiovascular events. JACC "
            "75(9): 991–999. Lowest risk where sleep onset varies by 30 min or less.",
            "https://doi.org/10.1016/j.jacc.2019.12.054",
        ),
        Citation(
            "Sletten et al. (2023). The importance of sleep regularity: consensus statement of the National "
            "Sleep Foundation. Sleep Health 9(6): 801–820. Up to two hours of catching up is tolerable.",
            "https://doi.org/10.1016/j.sleh.2023.07.016",
        ),
        Citation(
            "Ohayon et al. (2017). National Sleep Foundation's sleep quality recommendations. Sleep Health "
            "3(1): 6–19. Awake for 20 min or less after falling asleep.",
            "https://doi.org/10.1016/j.sleh.2016.11.006",
        ),
        Citation(
            "Open Wearables, sleep score. Weights 40/20/20/20, 90 min of deep and of REM sleep, "
            "90 min awake as zero.",
            "https://github.com/the-momentum/open-wearables",
        ),
    ),
    inputs=(
        _night("asleep_minutes", "Time asleep in the night, naps left out"),
        _night("deep_minutes", "Deep sleep in the night; null where the source has no stages"),
        _night("rem_minutes", "REM sleep in the night; null where the source has no stages"),
        _night("awake_minutes", "Awake after sleep onset; null where the source does not say"),
        _night(
            "bedtime_deviation_minutes",
            f"Between this bedtime and the median of the {USUAL_BEDTIME_DAYS} local days before, by the "
            f"wall clock (aurora.scores.bedtime); null with fewer than {MIN_USUAL_NIGHTS} of them, and where "
            "the source has only dates",
            earlier_days=USUAL_BEDTIME_DAYS,
        ),
    ),
    factors=(
        Factor("duration", "min", "420–540", 40, _ASLEEP, _DURATION_POINTS),
        Factor("deep_sleep", "min", "≥ 90", 10, _DEEP, interpolate(_DEEP, (0, 0), (90, 100))),
        Factor("rem_sleep", "min", "≥ 90", 10, _REM, interpolate(_REM, (0, 0), (90, 100))),
        Factor("consistency", "min", "≤ 30", 20, _DEVIATION, interpolate(_DEVIATION, (30, 100), (120, 0))),
        Factor("interruptions", "min", "≤ 20", 20, _AWAKE, interpolate(_AWAKE, (20, 100), (90, 0))),
    ),
    # A bedtime alone is no night.
    needs_one_of=("duration",),
)
