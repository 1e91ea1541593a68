"""Places: time zones without a conversion per event, daylight, and the weather that a place has."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from aurora import clock

Floats = NDArray[np.float64]
Seconds = NDArray[np.int64]

DAY = 86_400
HOUR = 3_600
_STEP = 1_800  # every change of offset on earth falls on a full or half hour UTC


@dataclass(frozen=True)
class Place:
    """A city: its zone and climate."""

    name: str
    tz: str
    latitude: float
    mean_c: float
    season_c: float
    """Half the difference between the warmest and the coldest month."""
    rainy: float
    """Share of days with rain."""


PLACES: tuple[Place, ...] = (
    Place("Oslo", "Europe/Oslo", 59.9, 6.5, 11.0, 0.40),
    Place("London", "Europe/London", 51.5, 11.5, 6.5, 0.42),
    Place("Berlin", "Europe/Berlin", 52.5, 10.0, 9.5, 0.38),
    Place("Madrid", "Europe/Madrid", 40.4, 15.0, 10.0, 0.17),
    Place("New York", "America/New_York", 40.7, 13.0, 12.0, 0.33),
    Place("Chicago", "America/Chicago", 41.9, 10.5, 13.5, 0.33),
    Place("Los Angeles", "America/Los_Angeles", 34.1, 18.5, 4.5, 0.10),
    Place("São Paulo", "America/Sao_Paulo", -23.6, 20.0, 3.5, 0.36),
    Place("St. John's", "America/St_Johns", 47.6, 5.0, 10.0, 0.45),
    Place("Nairobi", "Africa/Nairobi", -1.3, 19.0, 1.5, 0.27),
    Place("Kolkata", "Asia/Kolkata", 22.6, 26.5, 5.5, 0.28),
    Place("Tokyo", "Asia/Tokyo", 35.7, 16.0, 10.5, 0.32),
    Place("Adelaide", "Australia/Adelaide", -34.9, 17.0, 6.0, 0.24),
    Place("Sydney", "Australia/Sydney", -33.9, 18.5, 5.5, 0.33),
    Place("Auckland", "Pacific/Auckland", -36.8, 15.5, 4.5, 0.37),
)


class ZoneTable:
    """Offsets of one zone over a window, as a table: thousands of times converted in one step."""

    def __init__(self, tz: str, first: date, days: int) -> None:
        self.tz = tz
        self._start = int(datetime.combine(first - timedelta(days=3), time(), UTC).timestamp())
        zone = clock.zone(tz)
        grid = range(self._start, self._start + (days + 6) * DAY, _STEP)
        offsets = [datetime.fromtimestamp(at, zone).utcoffset() for at in grid]
        self._offsets = np.array([int(offset.total_seconds()) for offset in offsets if offset is not None])
        self._plain_offsets: list[int] = self._offsets.tolist()

    def offset_at(self, instant: Seconds) -> Seconds:
        """Seconds east of UTC in force at UTC instants (seconds since 1970)."""
        return self._offsets[(np.asarray(instant, dtype=np.int64) - self._start) // _STEP]

    def offset_of(self, instant: int) -> int:
        """The same for one instant."""
        return self._plain_offsets[(instant - self._start) // _STEP]

    def instant_of(self, wall: Seconds) -> Seconds:
        """The UTC instant of a wall-clock reading (counted as if it were UTC).

        A reading that a DST change skips becomes the instant shortly after the change; one that occurs
        twice becomes the second.
        """
        wall = np.asarray(wall, dtype=np.int64)
        first_guess = wall - self.offset_at(wall)
        return wall - self.offset_at(first_guess)


@dataclass(frozen=True)
class Weather:
    """The weather of one place, one value a day."""

    temperature_c: Floats
    precipitation_mm: Floats
    cloud_percent: Floats
    pressure_hpa: Floats
    daylight_hours: Floats

    @cached_property
    def is_wet(self) -> Floats:
        """0 on dry days, towards 1 with heavy rain."""
        return 1.0 - np.exp(-self.precipitation_mm / 4.0)


def daylight_hours(latitude: float, day_of_year: Floats) -> Floats:
    """Length of the day by the CBM model without refraction (Forsythe et al., 1995, Ecological Modelling)."""
    tilt = 0.2163108 + 2 * np.arctan(0.9671396 * np.tan(0.00860 * (day_of_year - 186)))
    declination = np.arcsin(0.39795 * np.cos(tilt))
    angle = np.radians(latitude)
    cosine = np.sin(angle) * np.sin(declination) / (np.cos(angle) * np.cos(declination))
    return 24.0 - 24.0 / np.pi * np.arccos(np.clip(cosine, -1.0, 1.0))


def weather_at(place: Place, *, seed: int, first: date, days: int) -> Weather:
    """The weather of a place in a world; who lives there makes no difference to it."""
    stream = np.random.default_rng([seed, zlib.crc32(place.name.encode()), first.toordinal()])
    day_of_year = np.array([(first + timedelta(days=day)).timetuple().tm_yday for day in range(days)], float)
    peak = 200 if place.latitude >= 0 else 17
    season = place.mean_c + place.season_c * np.cos(2 * np.pi * (day_of_year - peak) / 365.25)
    front = persistent(stream, days, sd=1.0, lasts_days=2.5)
    rains = stream.random(days) < np.clip(place.rainy * np.exp(0.6 * front) / 1.2, 0.0, 0.95)
    rain = np.where(rains, stream.gamma(0.9, 6.0, days), 0.0)
    cloud = np.clip(45 + 25 * front + 25 * rains + stream.normal(0, 10, days), 0, 100)
    warmth = persistent(stream, days, sd=2.8, lasts_days=3.0) - 1.2 * front
    pressure = 1014 - 7 * front + stream.normal(0, 2, days)
    return Weather(
        np.round(season + warmth, 1),
        np.round(rain, 1).astype(np.float64),
        np.round(cloud),
        np.round(pressure, 1),
        np.round(daylight_hours(place.latitude, day_of_year), 2),
    )


def persistent(stream: np.random.Generator, days: int, *, sd: float, lasts_days: float) -> Floats:
    """A slow drift around 0: an Ornstein–Uhlenbeck process seen once a day."""
    keeps = float(np.exp(-1.0 / lasts_days))
    shocks = stream.normal(0.0, sd * np.sqrt(1 - keeps**2), days)
    drift = np.empty(days)
    value = stream.normal(0.0, sd)
    for day in range(days):
        value = keeps * value + shocks[day]
        drift[day] = value
    return drift
