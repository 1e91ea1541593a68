"""The energy score: the local day's mean energy rating on a scale of 0 to 100.

What energy is to be expected from sleep and the clock alone, before any rating, is the Three-Process Model's
prior: the feature `energy_prior_three_process` (aurora/features/three_process.py), never part of the score.
"""

from __future__ import annotations

from typing import Final

from aurora.features.expressions import Column, clip
from aurora.features.windows import Window
from aurora.scores.specification import Citation, Factor, Input, ScoreSpec

_RATING = Input.of_window(
    Window("energy", "mean", 1), "points", "Mean of the local day's energy ratings, 0–10"
)
_rating = Column(_RATING.name)

ENERGY: Final = ScoreSpec(
    name="energy",
    version=1,
    description="The mean of the local day's energy ratings, 0–10, times ten.",
    sources=(
        Citation(
            "Lee, Hicks & Nino-Murcia (1991). Validity and reliability of a scale to assess fatigue. "
            "Psychiatry Research 36(3): 291–298. Ratings of energy on a line from none to most.",
            "https://doi.org/10.1016/0165-1781(91)90027-M",
        ),
    ),
    inputs=(_RATING,),
    factors=(Factor("rating", "points", "→ 10", 100, _rating, clip(10 * _rating, 0, 100)),),
)
