"""Lives: everything a person does and meets, day after day, before anything of it is recorded or rated.

Times are UTC instants in whole seconds; a day has the zone in which the person wakes up. Nothing here knows
of energy or mood: `causes.py` derives those from a life, so a life can be changed and lived again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipelines.ingestion.simulator.people import Traits
from pipelines.ingestion.simulator.places import (
    DAY,
    HOUR,
    Floats,
    Seconds,
    Weather,
    ZoneTable,
)

Bools = NDArray[np.bool_]

CAFFEINE_HALF_LIFE_HOURS = 5.0
SLEEP_LOST_PER_MG = 0.2
"""Minutes lost per mg active at bedtime: some 40 of 400 mg taken 6 h before (Drake et al., 2013)."""


@dataclass(frozen=True)
class Spells:
    """Things that happen: when, until when, how much, and (where it matters) of which kind."""

    starts: Seconds
    ends: Seconds
    amount: Floats
    kind: Floats

    @classmethod
    def of(cls, starts: Seconds, minutes: Floats, amount: Floats, kind: Floats | None = None) -> Self:
        order = np.argsort(starts, kind="stable")
        ends = starts + (np.asarray(minutes) * 60).astype(np.int64)
        kinds = np.zeros(len(starts)) if kind is None else kind
        return cls(starts[order], ends[order], np.asarray(amount, float)[order], kinds[order])

    @property
    def minutes(self) -> Floats:
        return (self.ends - self.starts) / 60.0


@dataclass(frozen=True)
class Calendar:
    """The days of one person: the zone of each, and where each begins."""

    first: date
    zones: tuple[ZoneTable, ...]
    starts: Seconds
    weekday: NDArray[np.int64]
    body_lag: Floats
    """Hours by which the body clock still differs from the local one after a journey."""
    weather: tuple[Weather, ...]

    def __len__(self) -> int:
        return len(self.zones)

    def day_of(self, instants: Seconds) -> NDArray[np.int64]:
        return np.clip(np.searchsorted(self.starts, instants, side="right") - 1, 0, len(self) - 1)

    def offset_at(self, instants: Seconds) -> Seconds:
        """Seconds east of UTC where the person is."""
        days = self.day_of(instants)
        offsets = np.empty(len(instants), np.int64)
        for zone in set(self.zones):
            here = np.fromiter((self.zones[day] is zone for day in days), bool, len(days))
            offsets[here] = zone.offset_at(instants[here])
        return offsets

    def instant(self, days: NDArray[np.int64], hours: Floats) -> Seconds:
        """The instant at which the clocks of a day show `hours` (which may lie before 0 or after 24)."""
        midnight = (self.first.toordinal() - date(1970, 1, 1).toordinal() + np.asarray(days)) * DAY
        wall = midnight + np.round(np.asarray(hours) * 60).astype(np.int64) * 60
        instants = np.empty(len(wall), np.int64)
        for zone in set(self.zones):
            here = np.fromiter((self.zones[day] is zone for day in days), bool, len(days))
            instants[here] = zone.instant_of(wall[here])
        return instants


@dataclass(frozen=True)
class Life:
    """All that happened to one person. Arrays of nights have one entry a day: the sleep that ends on it."""

    traits: Traits
    calendar: Calendar
    asleep_from: Seconds
    woken_at: Seconds
    efficiency: Floats
    """Share of the time in bed spent asleep, before caffeine and alcohol take theirs."""
    work: Spells
    """amount: 1 for overtime."""
    meals: Spells
    """amount: kcal; kind: 0 breakfast, 1 lunch, 2 dinner."""
    coffees: Spells
    """amount: mg; kind: 1 for a late one (after 15:00)."""
    drinks: Spells
    """amount: g of alcohol."""
    meetings: Spells
    """amount: people met."""
    workouts: Spells
    """amount: load, session RPE × minutes; kind: RPE."""
    meditations: Spells
    naps: Spells
    stress_drift: Floats
    energy_drift: Floats
    valence_drift: Floats

    @property
    def in_bed_minutes(self) -> Floats:
        return (self.woken_at - self.asleep_from) / 60.0

    def caffeine_at_bedtime(self, *, only_late: bool = False) -> Floats:
        """mg still active when each sleep begins."""
        doses = self.coffees.amount * (self.coffees.kind > 0) if only_late else self.coffees.amount
        hours = (self.asleep_from[:, None] - self.coffees.starts[None, :]) / HOUR
        left = np.where(
            (hours > 0) & (hours < 20), 0.5 ** (np.maximum(hours, 0) / CAFFEINE_HALF_LIFE_HOURS), 0.0
        )
        return left @ doses

    def alcohol_at_bedtime(self) -> Floats:
        """g drunk in the eight hours before each sleep."""
        hours = (self.asleep_from[:, None] - self.drinks.starts[None, :]) / HOUR
        return ((hours > -1) & (hours < 8)).astype(float) @ self.drinks.amount

    def asleep_minutes(self) -> Floats:
        """Minutes asleep each night, after what caffeine and alcohol took."""
        sober = self.efficiency - 0.001 * self.alcohol_at_bedtime()
        asleep = self.in_bed_minutes * sober - SLEEP_LOST_PER_MG * self.caffeine_at_bedtime()
        return np.clip(asleep, 0.35 * self.in_bed_minutes, 0.99 * self.in_bed_minutes)
