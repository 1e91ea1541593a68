"""The world that all people of a simulation share: its days, its zones, its weather."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from pipelines.ingestion.simulator.places import DAY, HOUR, PLACES, Weather, ZoneTable, weather_at
from pipelines.ingestion.simulator.specification import BURN_IN_DAYS, SimulationSpec


@dataclass(frozen=True)
class World:
    """Shared surroundings, drawn once."""

    first: date
    days: int
    zones: dict[str, ZoneTable]
    weather: dict[str, Weather]

    def noon_of(self, day: int) -> int:
        """Noon UTC of a day, in seconds since 1970."""
        return int(datetime.combine(self.first, time(), UTC).timestamp()) + day * DAY + 12 * HOUR


def world_of(spec: SimulationSpec) -> World:
    """Two days more than asked for: east of UTC the next day begins before the last one ends."""
    first, days = spec.first_lived_day, spec.days + BURN_IN_DAYS + 2
    return World(
        first=first,
        days=days,
        zones={place.tz: ZoneTable(place.tz, first, days) for place in PLACES},
        weather={place.name: weather_at(place, seed=spec.seed, first=first, days=days) for place in PLACES},
    )
