"""Changes to tiles: a person's days as they would be had one thing been otherwise. Copies; nothing is edited.

What is changed here are days, never features: these follow from the days by their one definition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from aurora import clock
from aurora.events.catalogue import MEASURES
from aurora.events.measures import DAYPARTS, daypart_of, scale_value
from aurora.features.tiles import LIVE_DAYS, Tile, Tiles
from aurora.features.vector import Moment

SLEEP_IS_SEEN_DAYS = 3
"""How far back the features look for the last sleep."""


@dataclass(frozen=True)
class Occasion:
    """A person's tiles at a moment, in their zone."""

    tiles: Tiles
    moment: Moment
    tz: str

    @property
    def today(self) -> date:
        return self.moment.local_date

    @property
    def hour(self) -> float:
        """The local hour, with minutes as a fraction."""
        return (self.moment.local_seconds or 0) / 3600

    @property
    def earlier_days(self) -> list[date]:
        """The live days before today of which anything is known."""
        return sorted(day for day in self.tiles if 0 < (self.today - day).days < LIVE_DAYS)

    def at(self, hours_ago: float) -> datetime:
        """The instant so many hours before."""
        return self.moment.as_of - timedelta(hours=hours_ago)

    def amount(self, day: date, measures: tuple[str, ...]) -> float:
        """The sum of these measures on a day, in their unit; 0 where there is none."""
        of_day = self.tiles.get(day, {})
        return sum(of_day[name].sum / MEASURES[name].scale for name in measures if name in of_day)


@dataclass(frozen=True)
class Changed:
    """The tiles after a change, and the local day that it touched."""

    tiles: Tiles
    day: date


def sleep_until_the_same_end(occasion: Occasion, minutes: float) -> Changed | str:
    """The last main sleep becomes so long and ends when it did; it is slept as soundly as it was."""
    seen = (occasion.today - timedelta(days=ago) for ago in range(SLEEP_IS_SEEN_DAYS))
    day = next((day for day in seen if "main_sleep_minutes" in occasion.tiles.get(day, {})), None)
    if day is None:
        return "no sleep of your last three days is known, so there is none to change"
    before = occasion.tiles[day]
    main, wanted = before["main_sleep_minutes"], scale_value(minutes, MEASURES["main_sleep_minutes"].scale)
    after = {**before, "main_sleep_minutes": _with_last(main, wanted)}
    of_all = before.get("sleep_minutes")
    if of_all is not None:
        # A nap may have been the last of all sleeps: then it stays the last.
        is_last = of_all.last_at == main.last_at
        after["sleep_minutes"] = (
            _with_last(of_all, wanted) if is_last else _with_another(of_all, main.last, wanted)
        )
    return Changed({**occasion.tiles, day: after}, day)


def total(
    occasion: Occasion,
    measure: str,
    amount: float,
    *,
    day: date,
    at: datetime | None,
    otherwise: datetime,
    parts: tuple[str, ...] = (),
) -> Changed | str:
    """So much of a measure on a day in all, the last of it at `at`, else when it was, `otherwise` if it was not.
    Nothing is no tile. With `parts` only these parts of the day change.
    """
    before = dict(occasion.tiles.get(day, {}))
    changed = tuple(f"{measure}_{part}" for part in parts) or (measure,)
    kept = [before[f"{measure}_{part}"] for part in DAYPARTS if parts and part not in parts
            and f"{measure}_{part}" in before]  # fmt: skip
    times = [before[name].last_at for name in changed if name in before]
    after = {name: tile for name, tile in before.items() if name not in changed and name != measure}
    if amount > 0:
        one = _one(scale_value(amount, MEASURES[measure].scale), at or max(times, default=otherwise))
        local = clock.local_time(one.last_at, occasion.tz)
        if local.date() != day or (parts and daypart_of(local.hour) not in parts):
            return "the time to which it is put lies outside the part of the day that it is about"
        kept.append(one)
        if parts:
            after[f"{measure}_{daypart_of(local.hour)}"] = one
    if kept:
        after[measure] = _merged(kept)
    return Changed({**occasion.tiles, day: after}, day)


def added(occasion: Occasion, amounts: Mapping[str, float], minutes: float, ended_at: datetime) -> Changed:
    """One more event of so many minutes that ended then. It belongs to the local day on which it began."""
    day = clock.local_date(ended_at - timedelta(minutes=minutes), occasion.tz)
    after = dict(occasion.tiles.get(day, {}))
    for measure, amount in amounts.items():
        one = _one(scale_value(amount, MEASURES[measure].scale), ended_at)
        after[measure] = _merged([after[measure], one]) if measure in after else one
    return Changed({**occasion.tiles, day: after}, day)


def load_per_minute(occasion: Occasion) -> float | None:
    """The person's usual training load of a minute; None for who never says how hard it was."""
    days = [
        tiles for tiles in occasion.tiles.values() if {"exercise_load", "exercise_minutes"} <= tiles.keys()
    ]
    minutes = sum(tiles["exercise_minutes"].sum for tiles in days)
    if minutes <= 0:
        return None
    return sum(tiles["exercise_load"].sum for tiles in days) / minutes


def _one(value: int, at: datetime) -> Tile:
    return Tile(1, value, value * value, value, value, value, at)


def _merged(tiles: list[Tile]) -> Tile:
    last = max(tiles, key=lambda tile: tile.last_at)
    return Tile(
        sum(tile.n for tile in tiles),
        sum(tile.sum for tile in tiles),
        sum(tile.sum_squares for tile in tiles),
        min(tile.min for tile in tiles),
        max(tile.max for tile in tiles),
        last.last,
        last.last_at,
    )


def _with_last(tile: Tile, value: int) -> Tile:
    """The tile had its last value been this one."""
    return _with_another(tile, tile.last, value)._replace(last=value)


def _with_another(tile: Tile, before: int, after: int) -> Tile:
    """The tile had one of its values been another one."""
    if tile.n == 1:
        return _one(after, tile.last_at)
    return tile._replace(
        sum=tile.sum - before + after,
        sum_squares=tile.sum_squares - before * before + after * after,
        # If it was an extreme, a tile does not say which is the next: the old one still bounds them all.
        min=min(tile.min, after),
        max=max(tile.max, after),
    )
