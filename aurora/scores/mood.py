"""The mood score: the local day's mean valence on a scale of 0 to 100."""

from __future__ import annotations

from typing import Final

from aurora.features.expressions import Column, clip
from aurora.features.windows import Window
from aurora.scores.specification import Citation, Factor, Input, ScoreSpec

_VALENCE = Input.of_window(
    Window("mood", "mean", 1), "valence", "Mean of the local day's mood ratings, −1 to 1"
)
_valence = Column(_VALENCE.name)

MOOD: Final = ScoreSpec(
    name="mood",
    version=1,
    description="The mean of the local day's mood ratings: −1 is 0, neutral is 50, 1 is 100.",
    sources=(
        Citation(
            "Russell (1980). A circumplex model of affect. Journal of Personality and Social Psychology "
            "39(6): 1161–1178. Valence as the pleasant–unpleasant axis.",
            "https://doi.org/10.1037/h0077714",
        ),
    ),
    inputs=(_VALENCE,),
    factors=(Factor("valence", "valence", "→ 1", 100, _valence, clip(50 * (_valence + 1), 0, 100)),),
)
