"""What is searched for, and how much has to be known before anything is said.

To search for patterns of another outcome, add it to OUTCOMES; a new daily measure of the event catalogue is a
factor the moment it exists, and needs a phrase in `phrases.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from aurora.events.catalogue import EVENT_TYPES, MEASURES, TYPE_OF_MEASURE
from aurora.events.measures import COUNT

METHOD_VERSION: Final = 2
"""Of everything in this package that decides what is found. A change of meaning is a new version."""

WINDOW_DAYS: Final = 180
MAX_LAG: Final = 7

MIN_PAIRS: Final = 30
MIN_EFFECTIVE_N: Final = 20
MIN_VARYING_DAYS: Final = 10
"""Days on which a series is not at its most common value: below, ranks are all ties and say nothing."""
MIN_WEEKDAYS: Final = 8
"""Days told about of a weekday, before it is compared with the others."""
MIN_SIDE_DAYS: Final = 14
"""Days told about on either side of a change of level."""

FALSE_DISCOVERY_RATE: Final = 0.10

Kind = Literal["lagged_correlation", "weekday_effect", "change_point"]
Timing = Literal["before", "same_day"]

STARS_OF_LINK: Final = (0.1, 0.3)
"""A second and a third star where the weak end of the interval of a correlation is beyond these (Cohen 1988)."""
STARS_OF_DIFFERENCE: Final = (0.2, 0.5)
"""The same for a difference in the person's own standard deviations (Cohen 1988)."""


@dataclass(frozen=True)
class Outcome:
    """What people want to know about: a measure, and how it is spoken of."""

    name: str
    measure: str
    is_night: bool = False
    """The night that ended on this local day: whatever the day brings comes after it."""


OUTCOMES: Final = {
    outcome.name: outcome
    for outcome in (
        Outcome("energy", "energy"),
        Outcome("mood", "mood"),
        Outcome("sleep", "main_sleep_minutes", is_night=True),
    )
}

RATED: Final = tuple(outcome.measure for outcome in OUTCOMES.values() if not outcome.is_night)
"""Outcomes that people say themselves, at a moment of the day: those from waking on count (`waking`)."""

_SUMS_OF_OTHERS: Final = frozenset({"sleep_minutes", "active_minutes"})
"""Night and naps, moderate and vigorous activity: the parts are there by themselves. Only of the night it is known that
it came first."""

FACTORS: Final = tuple(
    name
    for name, measure in MEASURES.items()
    # A part of the day is a measure of its own where it is an amount; of a rating it is a part of the whole.
    if measure.mood_class is None
    and (measure.daypart is None or measure.aggregate == "sum")
    and name not in _SUMS_OF_OTHERS
)
"""Every daily measure of the event catalogue."""

ZERO_WHEN_SILENT: Final = frozenset(name for name in FACTORS if MEASURES[name].field == COUNT)
"""A day without any is zero, as it is for the features: these count events. All others are missing."""

_UNITS_OF_RATINGS: Final = frozenset({"points", "valence"})
_AFTER_WAKING: Final = frozenset({"nap_minutes"})


def is_of_night(measure: str) -> bool:
    """Whether a measure is complete when its local day begins: the night that ends on this day."""
    return TYPE_OF_MEASURE[measure].ends_on_its_day and measure not in _AFTER_WAKING


def is_rated(measure: str) -> bool:
    """Whether it is the person's own judgement: of the night as well, it is made in the mood of the check-in."""
    return MEASURES[measure].unit in _UNITS_OF_RATINGS


def lags_of(factor: str, outcome: Outcome, timing: Timing) -> tuple[int, ...]:
    """The lags, in local days, at which this factor is compared with this outcome.

    `before`: the factor was over when the outcome came. `same_day`: nobody knows which came first.
    """
    kind = TYPE_OF_MEASURE[factor]
    if kind is EVENT_TYPES[TYPE_OF_MEASURE[outcome.measure].name]:
        return ()  # its own past: that is persistence, not a pattern
    if timing == "before":
        first = 0 if is_of_night(factor) and not is_rated(factor) and not outcome.is_night else 1
        return tuple(range(first, MAX_LAG + 1))
    # Two ratings of one day come from one check-in; the night is either over or still to come.
    is_open = not outcome.is_night and not is_of_night(factor) and not is_rated(factor)
    return (0,) if is_open else ()
