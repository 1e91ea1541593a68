"""The score catalogue: every score that AURORA computes.

To change a score, change its file and raise its version. To add one, add its file and one name here: the SQL
of the warehouse, the API and the docs follow. The examples in `examples.json` hold both engines to it.
"""

from __future__ import annotations

from typing import Final

from aurora.errors import CatalogueConflictError, UnknownScoreError
from aurora.scores.activity import ACTIVITY
from aurora.scores.energy import ENERGY
from aurora.scores.life import LIFE
from aurora.scores.mood import MOOD
from aurora.scores.recovery import RECOVERY
from aurora.scores.sleep import SLEEP
from aurora.scores.sleep_regularity import SLEEP_REGULARITY
from aurora.scores.social import SOCIAL
from aurora.scores.specification import PartScore, ScoreSpec
from aurora.scores.work_balance import WORK_BALANCE

_ENTRIES: Final = (
    SLEEP,
    SLEEP_REGULARITY,
    ACTIVITY,
    RECOVERY,
    MOOD,
    ENERGY,
    WORK_BALANCE,
    SOCIAL,
    LIFE,
)

SCORES: Final[dict[str, ScoreSpec]] = {spec.name: spec for spec in _ENTRIES}
"""In the order in which they can be computed: a score comes after its parts."""


def score_spec(name: str) -> ScoreSpec:
    """The catalogue entry called `name`, or UnknownScoreError."""
    try:
        return SCORES[name]
    except KeyError:
        raise UnknownScoreError(name) from None


def _check() -> None:
    if len(SCORES) != len(_ENTRIES):
        raise CatalogueConflictError("two scores share one name")
    known: set[str] = set()
    for spec in _ENTRIES:
        parts = {entry.source.score for entry in spec.inputs if isinstance(entry.source, PartScore)}
        if not parts <= known:
            raise CatalogueConflictError(f"the {spec.name} score comes before its parts")
        known.add(spec.name)


_check()
