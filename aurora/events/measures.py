"""Measures: the numbers that features and scores are made of, each read from one event type.

A measure is turned into a scaled integer at the first opportunity, in SQL and in Python alike, by the same
rounding (half away from zero). Sums of integers do not depend on their order; sums of floats do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any, Literal

from aurora.events.mood_classes import MoodClass

DayAggregate = Literal["sum", "mean", "last"]

DAYPARTS = {"night": (0, 6), "morning": (6, 12), "afternoon": (12, 18), "evening": (18, 24)}
"""Part of day → its local hours, the first included and the last not."""

_MICROSECOND = timedelta(microseconds=1)
_MICROSECONDS_A_MINUTE = 60_000_000

_SAFE_PRODUCT = 2.0**33
_CLEAR_OF_A_HALF = 0.4999

DURATION = "(duration)"
COUNT = "(count)"


@dataclass(frozen=True)
class Measure:
    """One number that an event carries.

    `field` is a field of the payload, or DURATION (minutes from start to end), or COUNT (one per event).
    A payload without the field gives no value: missing is never zero. `only_if` is a boolean payload field
    (or its negation with a leading "not ") that must be true.
    """

    name: str
    field: str
    unit: str
    aggregate: DayAggregate
    description: str
    scale: int = 1000
    or_duration: bool = False
    or_sum_of: tuple[tuple[str, int], ...] = ()
    """Fields that outrank `field` where the payload tells any of them, each with its weight in the sum."""
    only_if: str | None = None
    daypart: str | None = None
    mood_class: MoodClass | None = None
    """When set, the value is 1 if the field lies in this class of valence and 0 if it does not."""
    part_of: str | None = None
    """The measure of all events of which this one takes some, or looks at them in another way. Whatever becomes known
    of this one becomes known of that."""

    def value(
        self, payload: Mapping[str, Any], started_at: datetime, ended_at: datetime | None
    ) -> float | Decimal | None:
        """The value in `unit`, or None when this event does not say it."""
        if self.only_if and not self._holds(payload):
            return None
        if self.field == COUNT:
            return 1
        stated = self._stated(payload)
        if stated is not None and self.mood_class is not None:
            return int(self.mood_class.holds(float(stated)))
        if stated is not None or not (self.or_duration or self.field == DURATION):
            return stated
        if ended_at is None:
            return None
        # Decimal: a float would put some halves of a thousandth on the other side than Postgres does.
        return Decimal((ended_at - started_at) // _MICROSECOND) / _MICROSECONDS_A_MINUTE

    def _stated(self, payload: Mapping[str, Any]) -> float | Decimal | None:
        parts = [(payload.get(field), weight) for field, weight in self.or_sum_of]
        if all(part is None for part, _ in parts):
            return payload.get(self.field)
        # Decimal: a sum of floats would put some halves of a thousandth on the other side than Postgres does.
        return sum((Decimal(str(part)) * weight for part, weight in parts if part is not None), Decimal())

    def scaled(
        self, payload: Mapping[str, Any], started_at: datetime, ended_at: datetime | None
    ) -> int | None:
        """The value as an integer number of 1/scale units."""
        value = payload.get(self.field) if self._is_plain else self.value(payload, started_at, ended_at)
        return None if value is None else scale_value(value, self.scale)

    @cached_property
    def _is_plain(self) -> bool:
        """Whether the value is just what the field says: most are, and a stream reads thousands a second."""
        return self.field not in {DURATION, COUNT} and not (
            self.or_duration or self.or_sum_of or self.only_if or self.mood_class
        )

    @cached_property
    def lies_in(self) -> str | None:
        """The measure whose tile has the count and the sum of this one: a part of a rating is asked for no more.

        A part of an amount has a tile of its own, as that is asked for more (when was the last caffeine?).
        """
        return self.part_of if self.aggregate == "mean" else None

    def of_mood_class(self, mood: MoodClass) -> Measure:
        """The share of one class: 1 for an event in it, 0 for one outside."""
        return replace(
            self,
            name=f"{self.name}_{mood.name}",
            unit="share",
            description=f"Share of ratings that are {mood.name.replace('_', ' ')}",
            scale=1,
            mood_class=mood,
            part_of=self.name,
        )

    def of_daypart(self, daypart: str) -> Measure:
        """The same measure, of one part of the local day only."""
        return replace(
            self,
            name=f"{self.name}_{daypart}",
            description=f"{self.description} ({daypart})",
            daypart=daypart,
            part_of=self.name,
        )

    def belongs(self, local_started_at: datetime, precision: str) -> bool:
        """Whether an event of this local time counts. A day-precision event has no part of day."""
        if self.daypart is None:
            return True
        first, last = DAYPARTS[self.daypart]
        return precision == "instant" and first <= local_started_at.hour < last

    def _holds(self, payload: Mapping[str, Any]) -> bool:
        name = self.only_if or ""
        if name.startswith("not "):
            return not payload.get(name.removeprefix("not "), False)
        return bool(payload.get(name, False))


def scale_value(value: float | Decimal, scale: int) -> int:
    """Round half away from zero, as Postgres rounds `numeric`: 0.0005 × 1000 → 1, −0.0005 × 1000 → −1."""
    if isinstance(value, int):
        return value * scale
    if isinstance(value, float):
        product = value * scale
        if -_SAFE_PRODUCT < product < _SAFE_PRODUCT:
            # A float is off by less than a millionth here: clear of a half, it cannot round to the wrong side.
            nearest = round(product)
            if abs(product - nearest) < _CLEAR_OF_A_HALF:
                return nearest
    return int((Decimal(str(value)) * scale).to_integral_value(ROUND_HALF_UP))


def daypart_of(hour: float) -> str:
    """The part of day of a local hour 0 ≤ hour < 24."""
    return next(name for name, (first, last) in DAYPARTS.items() if first <= hour < last)
