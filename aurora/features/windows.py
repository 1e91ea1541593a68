"""Windows: aggregates of one measure's tiles over the last N local days, today included up to `as_of`.

Each aggregate has two readings side by side: the SQL over joined rows of tiles, and the Python over tiles in
memory. Sums run over integers; there is one division at the end.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Final

from aurora.errors import CatalogueConflictError
from aurora.events.catalogue import MEASURES
from aurora.features.expressions import Leaf, Number
from aurora.features.tiles import LIVE_DAYS, Tile

EWMA_ALPHA: Final = 0.3
"""Weight of the newest day; hard to beat on real self-reports (see docs/models.md)."""

MIN_TREND_DAYS: Final = 3

DayTile = tuple[int, Tile]
"""How many local days before the row's own day (0 is today), and the tile of that day."""


@dataclass(frozen=True)
class _Aggregate:
    """One way to sum up a window: over rows of `tiles joined to moments` in SQL, over tiles in Python.

    The rows have the tile's columns (n, total, squares, lowest, highest, last_value, last_at), `as_of`,
    `days_ago` (0 is today) and `day_rank` (0 is the newest day that has a tile). {scale} is the measure's,
    {inside} the filter of the window.
    """

    sql: str
    value: Callable[[Sequence[DayTile], int, datetime], Number]
    unit: str = "{unit}"
    """Where {unit} is the measure's."""
    empty: float | None = None


_days_ago: Final = itemgetter(0)


def _daily_mean(tile: Tile, scale: int) -> float:
    return tile.sum / tile.n / scale


def _total(tiles: Sequence[DayTile]) -> int:
    return sum(tile.sum for _, tile in tiles)


def _count(tiles: Sequence[DayTile]) -> int:
    return sum(tile.n for _, tile in tiles)


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
    weights = [(1 - EWMA_ALPHA) ** rank for rank in range(len(tiles))]
    weighted = sum(w * _daily_mean(tile, scale) for w, (_, tile) in zip(weights, tiles, strict=True))
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


def _of(call: str) -> str:
    """An aggregate call that sees only the rows inside its window."""
    return f"{call} {{inside}}"


_N, _TOTAL, _DAYS = _of("sum(n)"), _of("sum(total)"), _of("count(*)")
_DAILY_MEAN = "(total::float8 / n / {scale})"
_LOG = f"ln(case when total > 0 then {_DAILY_MEAN} end)"
_WEIGHT = f"power({1 - EWMA_ALPHA!r}::float8, day_rank)"
_STD = f"""case when {_N} > 1 then sqrt(
    ({_N} * {_of("sum(squares)")} - {_TOTAL} * {_TOTAL})::float8 / ({_N} * ({_N} - 1))::float8
) / {{scale}} end"""
_X, _Y = _of("sum(-days_ago)"), _of(f"sum({_DAILY_MEAN})")
_SLOPE = f"""case when {_DAYS} >= {MIN_TREND_DAYS} then (
    {_DAYS} * {_of(f"sum(-days_ago * {_DAILY_MEAN})")} - {_X} * {_Y}
) / ({_DAYS} * {_of("sum(days_ago * days_ago)")} - {_X} * {_X}) end"""

AGGREGATES: Final[dict[str, _Aggregate]] = {
    "sum": _Aggregate(f"{_TOTAL}::float8 / {{scale}}", lambda tiles, scale, _: _total(tiles) / scale),
    "mean": _Aggregate(
        f"{_TOTAL}::float8 / {_N}::float8 / {{scale}}",
        lambda tiles, scale, _: _total(tiles) / _count(tiles) / scale,
    ),
    "daily": _Aggregate(
        f"{_TOTAL}::float8 / {_DAYS}::float8 / {{scale}}",
        lambda tiles, scale, _: _total(tiles) / len(tiles) / scale,
    ),
    "std": _Aggregate(_STD, _std),
    "count": _Aggregate(f"{_N}::float8", lambda tiles, _scale, _: float(_count(tiles)), "events", 0.0),
    "days": _Aggregate(
        f"nullif({_DAYS}, 0)::float8", lambda tiles, _scale, _: float(len(tiles)), "days", 0.0
    ),
    # Arrays compare element by element: the greatest (day, value) pair is the newest day's.
    "last": _Aggregate(
        f"({_of('max(array[-days_ago, last_value])')})[2]::float8 / {{scale}}",
        lambda tiles, scale, _: min(tiles, key=lambda day: day[0])[1].last / scale,
    ),
    "min": _Aggregate(
        f"{_of('min(lowest)')}::float8 / {{scale}}",
        lambda tiles, scale, _: min(t.min for _, t in tiles) / scale,
    ),
    "max": _Aggregate(
        f"{_of('max(highest)')}::float8 / {{scale}}",
        lambda tiles, scale, _: max(t.max for _, t in tiles) / scale,
    ),
    "ewma": _Aggregate(f"{_of(f'sum({_WEIGHT} * {_DAILY_MEAN})')} / {_of(f'sum({_WEIGHT})')}", _ewma),
    "slope": _Aggregate(_SLOPE, _slope),
    # Over days, each by its mean: how often a device measured on one of them does not matter.
    "mean_of_days": _Aggregate(_of(f"avg({_DAILY_MEAN})"), lambda *window: _mean_of(_means_of_days(*window))),
    "std_of_days": _Aggregate(
        _of(f"stddev_samp({_DAILY_MEAN})"), lambda *window: _std_of(_means_of_days(*window))
    ),
    "ln_mean_of_days": _Aggregate(
        _of(f"avg({_LOG})"), lambda *window: _mean_of(_logs_of_days(*window)), "ln {unit}"
    ),
    "ln_std_of_days": _Aggregate(
        _of(f"stddev_samp({_LOG})"), lambda *window: _std_of(_logs_of_days(*window)), "ln {unit}"
    ),
    "hours_since": _Aggregate(
        f"extract(epoch from as_of - {_of('max(last_at)')})::float8 / 3600", _hours_since, "h"
    ),
}


@dataclass(frozen=True)
class Window(Leaf):
    """An aggregate of a measure over `days` local days that end `lag` days before the row's own."""

    measure: str
    aggregate: str
    days: int
    lag: int = 0

    def __post_init__(self) -> None:
        if self.measure not in MEASURES:
            raise CatalogueConflictError(f"a window reads {self.measure!r}, which no event type measures")
        if self.aggregate not in AGGREGATES:
            raise CatalogueConflictError(f"a window of {self.measure!r} asks for {self.aggregate!r}")
        if not 1 <= self.days + self.lag <= LIVE_DAYS:
            raise CatalogueConflictError(
                f"a window of {self.measure!r} leaves the {LIVE_DAYS} days of live state"
            )

    def column(self) -> str:
        """Its column in the SQL: unique, and telling."""
        lag = f"_lag_{self.lag}" if self.lag else ""
        return f"{self.measure}_{self.aggregate}_{self.days}d{lag}"

    def sql(self) -> str:
        empty = AGGREGATES[self.aggregate].empty
        return self.column() if empty is None else f"coalesce({self.column()}, {empty!r}::float8)"

    def aggregate_sql(self) -> str:
        """The aggregate over the joined rows of this measure, null where the window is empty."""
        scale = MEASURES[self.measure].scale
        return AGGREGATES[self.aggregate].sql.format(
            scale=f"{scale}::float8", inside=f"filter (where days_ago between {self.lag} and {self.last_day})"
        )

    @property
    def unit(self) -> str:
        return AGGREGATES[self.aggregate].unit.format(unit=MEASURES[self.measure].unit)

    @property
    def last_day(self) -> int:
        """How many days before the row's own day the window begins."""
        return self.lag + self.days - 1

    def value_of(self, tiles: Sequence[DayTile], as_of: datetime) -> Number:
        """The aggregate of these tiles; those outside the window are passed over."""
        first, last = self.lag, self.last_day
        inside = sorted([day for day in tiles if first <= day[0] <= last], key=_days_ago)
        aggregate = AGGREGATES[self.aggregate]
        if not inside:
            return aggregate.empty
        return aggregate.value(inside, MEASURES[self.measure].scale, as_of)
