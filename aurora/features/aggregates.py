"""Aggregates: the ways to sum up a window of tiles, each with its readings side by side.

SQL reads rows of tiles joined to a day or a moment, Python reads tiles in memory. Most aggregates are a formula over
a few states, such as a sum and a count: what a window keeps of its days, and today's tile can be added to. So the
warehouse sums up the days before today once for all moments of a day. Sums run over integers; there is one division
at the end.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from string import Formatter
from typing import Final

from aurora.features.expressions import Number
from aurora.features.states import IN_ORDER, KEPT, OF_A_ROW, ROW_MEAN, STATES
from aurora.features.tiles import LIVE_DAYS, Tile

MIN_TREND_DAYS: Final = 3

DayTile = tuple[int, Tile]
"""How many local days before the row's own day (0 is today), and the tile of that day."""


@dataclass(frozen=True)
class Aggregate:
    """One way to sum up a window: a SQL formula over STATES by their names, and a function of tiles in memory.

    Instead of states the formula may have calls over the rows of a window, with {inside}: such an aggregate cannot
    go on with today's tile. {scale} is the measure's.
    """

    sql: str
    value: Callable[[Sequence[DayTile], int, datetime], Number]
    unit: str = "{unit}"
    """Where {unit} is the measure's."""
    empty: float | None = None

    @property
    def states(self) -> tuple[str, ...]:
        """The states that the formula reads, each once."""
        names = (name for _, name, _, _ in Formatter().parse(self.sql) if name)
        return tuple(dict.fromkeys(name for name in names if name in STATES))

    @property
    def columns_read(self) -> frozenset[str]:
        """The columns of tiles that it reads in SQL, by way of its states or by itself."""
        by_itself = {column for name, column in OF_A_ROW.items() if f"{{{name}}}" in self.sql}
        return frozenset(by_itself).union(*(STATES[name].columns_read for name in self.states))

    @property
    def goes_on(self) -> bool:
        """Whether it can be had from the days before today and today's tile."""
        return "{inside}" not in self.sql

    def over_rows(self, *, scale: str, inside: str, days: int) -> str:
        """The aggregate over the rows of a window of so many days, today's among them."""
        states = {
            name: STATES[name].from_held(STATES[name].over_rows(scale=scale, inside=inside), days)
            for name in self.states
        }
        return self.sql.format(scale=scale, inside=inside, **states, **OF_A_ROW)

    def of_states(self, states: dict[str, str], *, scale: str) -> str:
        """The aggregate of states that are SQL expressions."""
        return self.sql.format(scale=scale, **states)


_days_ago: Final = itemgetter(0)

_EWMA_WEIGHTS: Final = [KEPT**rank for rank in range(LIVE_DAYS)]
"""No window is longer."""


def _daily_mean(tile: Tile, scale: int) -> float:
    return tile.sum / tile.n / scale


def _total(tiles: Sequence[DayTile]) -> int:
    return sum([tile.sum for _, tile in tiles])


def _count(tiles: Sequence[DayTile]) -> int:
    return sum([tile.n for _, tile in tiles])


def _std(tiles: Sequence[DayTile], scale: int, _as_of: datetime) -> Number:
    n, total = _count(tiles), _total(tiles)
    if n < 2:
        return None
    squares = sum(tile.sum_squares for _, tile in tiles)
    # In integers up to here: the difference of two large sums would lose digits in floats.
    return math.sqrt((n * squares - total * total) / (n * (n - 1))) / scale


def _ewma(tiles: Sequence[DayTile], scale: int, _as_of: datetime) -> Number:
    # By rank of the days that have a value, not by age: a gap in the ratings must not make the newest ones
    # weigh nothing (on athletes' daily ratings MAE 0.765 against 0.770, see docs/models.md).
    weights = _EWMA_WEIGHTS[: len(tiles)]
    weighted = sum([w * _daily_mean(tile, scale) for w, (_, tile) in zip(weights, tiles, strict=True)])
    return weighted / sum(weights)


def _slope(tiles: Sequence[DayTile], scale: int, _as_of: datetime) -> Number:
    n = len(tiles)
    if n < MIN_TREND_DAYS:
        return None
    x = [-days for days, _ in tiles]
    y = [_daily_mean(tile, scale) for _, tile in tiles]
    spread = n * sum(value * value for value in x) - sum(x) ** 2
    return (n * sum(a * b for a, b in zip(x, y, strict=True)) - sum(x) * sum(y)) / spread


def _means_of_days(tiles: Sequence[DayTile], scale: int, _as_of: datetime) -> list[float]:
    return [_daily_mean(tile, scale) for _, tile in tiles]


def _logs_of_days(tiles: Sequence[DayTile], scale: int, as_of: datetime) -> list[float]:
    return [math.log(mean) for mean in _means_of_days(tiles, scale, as_of) if mean > 0]


def _mean_of(values: list[float]) -> Number:
    return sum(values) / len(values) if values else None


def _std_of(values: list[float]) -> Number:
    return statistics.stdev(values) if len(values) > 1 else None


def _hours_since(tiles: Sequence[DayTile], _scale: int, as_of: datetime) -> Number:
    return (as_of - max(tile.last_at for _, tile in tiles)).total_seconds() / 3600


_LOG: Final = f"ln(case when {{row_total}} > 0 then {ROW_MEAN} end)"

_STD: Final = """case when {n} > 1 then sqrt(
    ({n} * {squares} - {total} * {total})::float8 / ({n} * ({n} - 1))::float8
) / {scale} end"""
_SLOPE: Final = f"""case when {{days}} >= {MIN_TREND_DAYS} then (
    {{days}} * {{xy}} - {{x}} * {{means}}
) / ({{days}} * {{xx}} - {{x}} * {{x}}) end"""

AGGREGATES: Final[dict[str, Aggregate]] = {
    "sum": Aggregate("{total}::float8 / {scale}", lambda tiles, scale, _: _total(tiles) / scale),
    "mean": Aggregate(
        "{total}::float8 / {n}::float8 / {scale}",
        lambda tiles, scale, _: _total(tiles) / _count(tiles) / scale,
    ),
    "daily": Aggregate(
        "{total}::float8 / {days}::float8 / {scale}",
        lambda tiles, scale, _: _total(tiles) / len(tiles) / scale,
    ),
    "std": Aggregate(_STD, _std),
    "count": Aggregate("{n}::float8", lambda tiles, _scale, _: float(_count(tiles)), "events", 0.0),
    "days": Aggregate("nullif({days}, 0)::float8", lambda tiles, _scale, _: float(len(tiles)), "days", 0.0),
    "last": Aggregate(
        "{last_value}::float8 / {scale}",
        lambda tiles, scale, _: min(tiles, key=_days_ago)[1].last / scale,
    ),
    "min": Aggregate(
        "{lowest}::float8 / {scale}", lambda tiles, scale, _: min(t.min for _, t in tiles) / scale
    ),
    "max": Aggregate(
        "{highest}::float8 / {scale}", lambda tiles, scale, _: max(t.max for _, t in tiles) / scale
    ),
    # The weights of so many days sum up to (1 - kept^days) / (1 - kept): no row needs to be asked for them.
    "ewma": Aggregate(
        f"{{weighted}} * {1 - KEPT!r}::float8 / (1 - power({KEPT!r}::float8, {{days}}))", _ewma
    ),
    "slope": Aggregate(_SLOPE, _slope),
    # Over days, each by its mean: how often a device measured on one of them does not matter.
    "mean_of_days": Aggregate(
        f"avg({ROW_MEAN} {IN_ORDER}) {{inside}}", lambda *window: _mean_of(_means_of_days(*window))
    ),
    "std_of_days": Aggregate(
        f"stddev_samp({ROW_MEAN} {IN_ORDER}) {{inside}}", lambda *window: _std_of(_means_of_days(*window))
    ),
    "ln_mean_of_days": Aggregate(
        f"avg({_LOG} {IN_ORDER}) {{inside}}", lambda *window: _mean_of(_logs_of_days(*window)), "ln {unit}"
    ),
    "ln_std_of_days": Aggregate(
        f"stddev_samp({_LOG} {IN_ORDER}) {{inside}}",
        lambda *window: _std_of(_logs_of_days(*window)),
        "ln {unit}",
    ),
    "hours_since": Aggregate("extract(epoch from as_of - {last_at})::float8 / 3600", _hours_since, "h"),
}
