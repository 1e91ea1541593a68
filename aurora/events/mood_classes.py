"""The versioned cut of mood valence (−1 to 1) into five classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CUT_VERSION: Final = 1


@dataclass(frozen=True)
class MoodClass:
    """The valences of one class: from `low` to `high`, each border in it or not."""

    name: str
    low: float
    high: float
    has_low: bool
    has_high: bool

    def holds(self, valence: float) -> bool:
        above = valence >= self.low if self.has_low else valence > self.low
        below = valence <= self.high if self.has_high else valence < self.high
        return above and below

    def sql(self, valence: str) -> str:
        """The same as `holds`, over a SQL numeric expression."""
        above = f"{valence} {'>=' if self.has_low else '>'} {self.low!r}"
        below = f"{valence} {'<=' if self.has_high else '<'} {self.high!r}"
        return f"{above} and {below}"


# Symmetric about zero: −0.6 and 0.6 are each other's mirror, and so are the classes that hold them.
MOOD_CLASSES: Final = (
    MoodClass("very_negative", -1.0, -0.6, has_low=True, has_high=False),
    MoodClass("negative", -0.6, -0.2, has_low=True, has_high=False),
    MoodClass("neutral", -0.2, 0.2, has_low=True, has_high=True),
    MoodClass("positive", 0.2, 0.6, has_low=False, has_high=True),
    MoodClass("very_positive", 0.6, 1.0, has_low=False, has_high=True),
)
MOOD_CLASS_NAMES: Final = tuple(mood.name for mood in MOOD_CLASSES)


def mood_class(valence: float) -> str:
    """The class of a valence −1 ≤ v ≤ 1; ValueError outside."""
    for mood in MOOD_CLASSES:
        if mood.holds(valence):
            return mood.name
    raise ValueError(f"valence {valence} lies outside -1 to 1")
