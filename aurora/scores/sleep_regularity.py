"""The sleep regularity score: the Sleep Regularity Index of the week's nights."""

from __future__ import annotations

from typing import Final

from aurora.features.expressions import Column, choose, clip
from aurora.scores.specification import Citation, Factor, Input, NightsWindow, ScoreSpec

REGULARITY_DAYS: Final = 7

MIN_PAIRS: Final = 4
"""Pairs of nights in a row, of the seven that a week can have. With fewer the score is missing."""

_COLUMN: Final = "same_state_percent"

_SAME = Input(
    f"{_COLUMN}_mean_{REGULARITY_DAYS}d",
    "%",
    "Share of the 24 hours in which two nights in a row have the same state, asleep or awake (see "
    f"aurora.scores.regularity), mean over the nights that ended on the last {REGULARITY_DAYS} local days",
    NightsWindow(_COLUMN, "mean", REGULARITY_DAYS),
)
_PAIRS = Input(
    f"{_COLUMN}_count_{REGULARITY_DAYS}d",
    "nights",
    "How many of these nights have one on the local day before, both with a beginning and an end of every part",
    NightsWindow(_COLUMN, "count", REGULARITY_DAYS),
)

_same = Column(_SAME.name)
_INDEX = choose(Column(_PAIRS.name), (MIN_PAIRS, REGULARITY_DAYS + 1, 2 * _same - 100))

SLEEP_REGULARITY: Final = ScoreSpec(
    name="sleep_regularity",
    version=2,
    description="The Sleep Regularity Index of the nights that ended on the seven local days up to this one, "
    "naps left out.",
    sources=(
        Citation(
            "Phillips et al. (2017). Irregular sleep/wake patterns are associated with poorer academic "
            "performance and delayed circadian and sleep/wake timing. Scientific Reports 7: 3216. The index: "
            "−100 + 200 × the chance of the same state 24 hours apart.",
            "https://doi.org/10.1038/s41598-017-03171-4",
        ),
        Citation(
            "Windred et al. (2021). Objective assessment of sleep regularity in 60 000 UK Biobank participants using "
            "an open-source package. Sleep 44(12): zsab254. The index from devices; unlike here it counts naps, and "
            "time awake during the night.",
            "https://doi.org/10.1093/sleep/zsab254",
        ),
    ),
    inputs=(_SAME, _PAIRS),
    # Below 0 are people whose days and nights are reversed: no points either way.
    factors=(Factor("regularity_index", "SRI", "→ 100", 100, _INDEX, clip(_INDEX, 0, 100)),),
)
