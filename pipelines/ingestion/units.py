"""Units and scales: from the numbers of a source to the canonical units of the event catalogue.

The canonical unit of a payload field is in its name: `asleep_minutes`, `distance_m`, `temperature_c`.
"""

from __future__ import annotations

from dataclasses import dataclass

# Unit → (dimension, factor, offset): canonical = source × factor + offset.
UNITS: dict[str, tuple[str, float, float]] = {
    "ms": ("minutes", 1 / 60_000, 0.0),
    "s": ("minutes", 1 / 60, 0.0),
    "min": ("minutes", 1.0, 0.0),
    "h": ("minutes", 60.0, 0.0),
    "m": ("m", 1.0, 0.0),
    "km": ("m", 1_000.0, 0.0),
    "mi": ("m", 1_609.344, 0.0),
    "kcal": ("kcal", 1.0, 0.0),
    "kJ": ("kcal", 1 / 4.184, 0.0),
    "g": ("g", 1.0, 0.0),
    "mg": ("mg", 1.0, 0.0),
    "kg": ("kg", 1.0, 0.0),
    "lb": ("kg", 0.45359237, 0.0),
    "ml": ("ml", 1.0, 0.0),
    "l": ("ml", 1_000.0, 0.0),
    "fl oz": ("ml", 29.5735295625, 0.0),
    "°C": ("c", 1.0, 0.0),
    "°F": ("c", 5 / 9, -160 / 9),
    "K": ("c", 1.0, -273.15),
    "mm": ("mm", 1.0, 0.0),
    "in": ("mm", 25.4, 0.0),
    "hPa": ("hpa", 1.0, 0.0),
    "bpm": ("bpm", 1.0, 0.0),
    "%": ("percent", 1.0, 0.0),
    "fraction": ("percent", 100.0, 0.0),
}

_DECIMALS = 9
"""Enough for any measurement, and few enough to hide binary noise: 7.1 h is 426 min and nothing else."""


@dataclass(frozen=True)
class Scale:
    """A linear scale: `low`–`high` of the source become `to_low`–`to_high`, which may run the other way."""

    low: float
    high: float
    to_low: float
    to_high: float

    def contains(self, value: float) -> bool:
        return self.low <= value <= self.high

    def convert(self, value: float) -> float:
        """A value of the source on our scale; both ends are met exactly."""
        share = (value - self.low) / (self.high - self.low)
        # Weights of the two ends rather than start + share × width: the upper end comes out exact.
        return tidy(self.to_low * (1 - share) + self.to_high * share)


def convert_unit(value: float, unit: str) -> float:
    """A value in `unit` (a key of UNITS) in its canonical unit."""
    _, factor, offset = UNITS[unit]
    return tidy(value * factor + offset)


def dimension_of_field(field: str) -> str:
    """What the last part of a payload field's name says about its unit: `minutes` of `asleep_minutes`."""
    return field.rsplit("_", 1)[-1]


def tidy(value: float) -> float:
    """Without the noise of binary arithmetic; a whole number stays one."""
    return round(value, _DECIMALS) + 0.0
