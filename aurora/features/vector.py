"""The live vector: every feature of a person at an instant, from tiles in memory.

The same formulas as the warehouse's SQL, read by the other engine. Equal to 1e-9 at the same `as_of`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from operator import itemgetter
from typing import Final

from aurora import clock
from aurora.features.catalogue import FEATURES, Feature, vector_names
from aurora.features.clocks import Clock
from aurora.features.expressions import Leaf, Number
from aurora.features.tiles import Tile, Tiles
from aurora.features.windows import DayTile, Window


@dataclass(frozen=True)
class Moment:
    """The instant that a vector describes, and what the person's clock says then."""

    as_of: datetime
    local_date: date
    local_seconds: int | None
    """Seconds since local midnight; None where only the day is known."""

    @classmethod
    def at(cls, as_of: datetime, tz: str) -> Moment:
        """An instant in a person's zone."""
        local = clock.local_time(as_of, tz)
        return cls(as_of, local.date(), local.hour * 3600 + local.minute * 60 + local.second)

    @classmethod
    def of_day(cls, local_date: date, tz: str) -> Moment:
        """The start of a local day, where no time of day is known."""
        return cls(clock.day_start(local_date, tz), local_date, None)


_UNREAD: Final = float("nan")
"""In place of what was not looked up yet: this very object, which no formula gives."""


class _TileInputs:
    """Leaves of formulas, looked up in tiles. A window that several features share is computed once."""

    def __init__(self, tiles: Tiles, moment: Moment) -> None:
        self._moment = moment
        self._known: dict[Leaf, Number] = {}
        self._days = days_before(moment, tiles)
        self._of_measure: dict[str, list[DayTile]] = {}

    def leaf(self, leaf: Leaf) -> Number:
        # Looked up once: to hash a leaf takes its time.
        value = self._known.get(leaf, _UNREAD)
        if value is _UNREAD:
            value = self._known[leaf] = self._read(leaf)
        return value

    def _read(self, leaf: Leaf) -> Number:
        if isinstance(leaf, Window):
            return leaf.value_of_ordered(self._tiles(leaf.measure), self._moment.as_of)
        if isinstance(leaf, Clock):
            return leaf.value_of(self._moment.local_date, self._moment.local_seconds)
        raise TypeError(f"a feature cannot read {leaf!r}")

    def _tiles(self, measure: str) -> list[DayTile]:
        """Those of one measure: of many that a person has, few are read."""
        found = self._of_measure.get(measure)
        if found is None:
            found = [
                (days_ago, measures[measure]) for days_ago, measures in self._days if measure in measures
            ]
            self._of_measure[measure] = found
        return found


def days_before(moment: Moment, tiles: Tiles) -> list[tuple[int, Mapping[str, Tile]]]:
    """How many days before the moment's own, and the tiles of that day: the latest first, later days left out."""
    today = moment.local_date.toordinal()
    days = [(today - day.toordinal(), measures) for day, measures in tiles.items()]
    return sorted([day for day in days if day[0] >= 0], key=itemgetter(0))


def vector(
    tiles: Tiles, moment: Moment, features: Iterable[Feature] | None = None
) -> dict[str, float | None]:
    """Each feature's value at `moment`, None where missing.

    `tiles` are those of the last 28 local days, as known at `moment.as_of`; later days are passed over.
    """
    inputs = _TileInputs(tiles, moment)
    chosen = FEATURES.values() if features is None else features
    return {feature.name: _float(feature.formula.value(inputs)) for feature in chosen}


def vector_of_set(tiles: Tiles, moment: Moment, feature_set: str) -> dict[str, float | None]:
    """The vector of one model, in its order."""
    return vector(tiles, moment, (FEATURES[name] for name in vector_names(feature_set)))


def _float(number: Number) -> float | None:
    return None if number is None else float(number)
