"""The catalogue of changes: everything that a what-if can change about a person's days.

To let people ask about something else, add one entry to CHANGES. The endpoint, its documentation and the support
check read this catalogue; nothing else lists changes. A change acts on tiles, and features follow by their
one definition.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from aurora import clock
from aurora.errors import CatalogueConflictError
from aurora.events.catalogue import MEASURES
from aurora.events.measures import DAYPARTS
from aurora.features.catalogue import FEATURES
from aurora.predictions.tile_changes import (
    Changed,
    Occasion,
    added,
    load_per_minute,
    sleep_until_the_same_end,
    total,
)

Apply = Callable[[Occasion, float, datetime | None], Changed | str]
"""The tiles with the change made, at this instant if told; or, in words, why it cannot be made."""


@dataclass(frozen=True)
class Change:
    """One thing that can be had otherwise, within `lowest` and `highest` whoever asks."""

    name: str
    unit: str
    lowest: float
    highest: float
    slack: float
    """How far beyond the days that a person has had it may go."""
    description: str
    phrase: str
    """The change in a sentence; {amount} is told with its unit, {ago} is when."""
    apply: Apply
    measures: tuple[str, ...]
    """What it touches. Two changes that touch one measure cannot be asked together."""
    amount_of: tuple[str, ...]
    """The measures whose sum on a day is compared with the days that the person has had."""
    hours_ago: float | None = None
    """How long ago it ended, unless told or known; None for what cannot be put to a time."""
    is_added: bool = False
    """It comes on top of what the day had; otherwise it is all that the day has."""
    is_so_far: bool = True
    """Of a day that is not over: it is compared with what earlier days had at this hour."""
    none_is_none: bool = True
    """A day without it had none of it. Not so for sleep: a night without a record is not known."""

    @cached_property
    def features(self) -> tuple[str, ...]:
        """The features that follow: all whose formula reads what it touches."""
        return tuple(
            feature.name
            for feature in FEATURES.values()
            if any(window.measure in self.measures for window in feature.windows)
        )


_CAFFEINE: Final = tuple(f"caffeine_{part}" for part in DAYPARTS)
_LATE: Final = ("afternoon", "evening")
_TODAY_HOURS_AGO: Final = 1.0
_EVENT_HOURS_AGO: Final = 2.0


def _sleep(occasion: Occasion, minutes: float, _at: datetime | None) -> Changed | str:
    return sleep_until_the_same_end(occasion, minutes)


def _of_today(
    occasion: Occasion, measure: str, amount: float, at: datetime | None, parts: tuple[str, ...] = ()
) -> Changed | str:
    otherwise = occasion.at(_TODAY_HOURS_AGO)
    return total(occasion, measure, amount, day=occasion.today, at=at, otherwise=otherwise, parts=parts)


def _caffeine(occasion: Occasion, mg: float, at: datetime | None) -> Changed | str:
    return _of_today(occasion, "caffeine", mg, at, tuple(DAYPARTS))


def _late_caffeine(occasion: Occasion, mg: float, at: datetime | None) -> Changed | str:
    # A report that has only a date has no part of day, and may have been late or not.
    if occasion.amount(occasion.today, ("caffeine",)) != occasion.amount(occasion.today, _CAFFEINE):
        return "not all of today's caffeine is known with its time of day"
    return _of_today(occasion, "caffeine", mg, at, _LATE)


def _work(occasion: Occasion, minutes: float, at: datetime | None) -> Changed | str:
    return _of_today(occasion, "work_minutes", minutes, at)


def _alcohol_yesterday(occasion: Occasion, grams: float, _at: datetime | None) -> Changed | str:
    yesterday = occasion.today - timedelta(days=1)
    evening = clock.day_end(yesterday, occasion.tz) - timedelta(hours=3)
    return total(occasion, "alcohol", grams, day=yesterday, at=None, otherwise=evening)


def _workout(occasion: Occasion, minutes: float, at: datetime | None) -> Changed | str:
    amounts = {"exercise_minutes": minutes}
    # As hard as the person's other workouts. Who never says how hard they are has no load to add.
    per_minute = load_per_minute(occasion)
    if per_minute is not None:
        amounts["exercise_load"] = minutes * per_minute
    return added(occasion, amounts, minutes, at or occasion.at(_EVENT_HOURS_AGO))


def _company(occasion: Occasion, minutes: float, at: datetime | None) -> Changed | str:
    amounts = {"social_minutes": minutes, "social_events": 1}
    return added(occasion, amounts, minutes, at or occasion.at(_EVENT_HOURS_AGO))


_ENTRIES = (
    Change(
        name="sleep_minutes",
        unit="min",
        lowest=60,
        highest=900,
        slack=45,
        description="The last sleep that was not a nap lasts so long; it ends when it did, and is as sound.",
        phrase="{amount} of sleep last night",
        apply=_sleep,
        measures=("main_sleep_minutes", "sleep_minutes"),
        amount_of=("main_sleep_minutes",),
        is_so_far=False,
        none_is_none=False,
    ),
    Change(
        name="caffeine_mg",
        unit="mg",
        lowest=0,
        highest=1000,
        slack=40,
        description="Today's caffeine so far in all; 0 is none. The last of it when it was, else an hour ago.",
        phrase="{amount} of caffeine today",
        apply=_caffeine,
        measures=("caffeine", *_CAFFEINE),
        amount_of=("caffeine",),
        hours_ago=_TODAY_HOURS_AGO,
    ),
    Change(
        name="late_caffeine_mg",
        unit="mg",
        lowest=0,
        highest=1000,
        slack=40,
        description="Today's caffeine since noon; 0 is none. The last of it when it was, else an hour ago.",
        phrase="{amount} of caffeine since noon",
        apply=_late_caffeine,
        measures=("caffeine", *_CAFFEINE),
        amount_of=tuple(f"caffeine_{part}" for part in _LATE),
        hours_ago=_TODAY_HOURS_AGO,
    ),
    Change(
        name="exercise_minutes",
        unit="min",
        lowest=5,
        highest=300,
        slack=15,
        description="One more workout of so many minutes, as hard as yours are; it ended two hours ago.",
        phrase="a workout of {amount} that ended {ago} ago",
        apply=_workout,
        measures=("exercise_minutes", "exercise_load"),
        amount_of=("exercise_minutes",),
        hours_ago=_EVENT_HOURS_AGO,
        is_added=True,
    ),
    Change(
        name="social_minutes",
        unit="min",
        lowest=5,
        highest=720,
        slack=30,
        description="One more time with others, of so many minutes; it ended two hours ago.",
        phrase="{amount} with others that ended {ago} ago",
        apply=_company,
        measures=("social_minutes", "social_events"),
        amount_of=("social_minutes",),
        hours_ago=_EVENT_HOURS_AGO,
        is_added=True,
    ),
    Change(
        name="work_minutes",
        unit="min",
        lowest=0,
        highest=960,
        slack=45,
        description="Today's work so far in all; 0 is none. The last of it when it was, else an hour ago.",
        phrase="{amount} of work today",
        apply=_work,
        measures=("work_minutes",),
        amount_of=("work_minutes",),
        hours_ago=_TODAY_HOURS_AGO,
    ),
    Change(
        name="alcohol_yesterday_g",
        unit="g",
        lowest=0,
        highest=200,
        slack=8,
        description="Yesterday's alcohol in all, in grams; 0 is none.",
        phrase="{amount} of alcohol yesterday",
        apply=_alcohol_yesterday,
        measures=("alcohol",),
        amount_of=("alcohol",),
        is_so_far=False,
    ),
)

CHANGES: Final[dict[str, Change]] = {change.name: change for change in _ENTRIES}


def _check() -> None:
    if len(CHANGES) != len(_ENTRIES):
        raise CatalogueConflictError("two changes share one name")
    for change in _ENTRIES:
        if not {*change.measures, *change.amount_of} <= MEASURES.keys():
            raise CatalogueConflictError(f"the change {change.name!r} touches what no event measures")


_check()
