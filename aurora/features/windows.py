"""Windows: aggregates of one measure's tiles over the last N local days, today included up to `as_of`."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

from aurora.errors import CatalogueConflictError
from aurora.events.catalogue import MEASURES
from aurora.features.aggregates import AGGREGATES, Aggregate, DayTile
from aurora.features.expressions import Leaf, Number
from aurora.features.states import OF_A_ROW, PART_COLUMNS, STATES, TILE_COLUMNS, side_by_side
from aurora.features.tiles import LIVE_DAYS


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
        if self.whole != self.measure and not self._aggregate.columns_read <= set(PART_COLUMNS):
            raise CatalogueConflictError(
                f"a window of {self.measure!r} asks for {self.aggregate!r}: the tile of {self.whole!r}, in which it"
                " lies, has its count and its sum alone"
            )

    def column(self) -> str:
        """Its column in the SQL: unique, and telling."""
        return self._column(self.aggregate)

    def sql(self) -> str:
        empty = self._aggregate.empty
        return self.column() if empty is None else f"coalesce({self.column()}, {empty!r}::float8)"

    def aggregate_sql(self) -> str:
        """The aggregate over the joined rows of this measure, null where the window is empty."""
        return self._aggregate.over_rows(
            scale=self._scale, inside=_inside(self.lag, self.last_day), days=self.days
        )

    def earlier_states(self) -> dict[str, str]:
        """What the window keeps of the days before today: column → the state, from what is held by that name.

        That is what `looked_up_states` give, and `framed_states`. Empty for a window of today alone.
        """
        if self.frame is None:
            return {}
        first, last = self.frame
        columns = {name: self._column(name) for name in self._aggregate.states}
        return {column: STATES[name].from_held(column, last - first + 1) for name, column in columns.items()}

    def looked_up_states(self) -> dict[str, str]:
        """Column → what rows of several measures and days give that come newest first."""
        if self.frame is None:
            return {}
        columns, conditions = OF_A_ROW, [f"measure = '{self.whole}'"]
        if self.whole != self.measure:
            columns = {f"row_{column}": column_of(self.measure, column) for column in PART_COLUMNS}
            conditions.append(f"{columns['row_n']} is not null")
        inside = _inside(*self.frame, *conditions)
        return {
            self._column(name): STATES[name].over_rows_in_order(
                scale=self._scale, inside=inside, columns=columns
            )
            for name in self._aggregate.states
        }

    def framed_states(self) -> dict[str, str]:
        """Column → what the frame gives of days that lie in one column order; `frame_name` says what it is called."""
        if self.frame is None:
            return {}
        frame = frame_name(*self.frame)
        return {
            self._column(name): STATES[name].over_frame(scale=self._scale, measure=self.measure, frame=frame)
            for name in self._aggregate.states
        }

    @property
    def whole(self) -> str:
        """The measure whose tiles say what it reads: its own, or the one in which it lies."""
        return MEASURES[self.measure].lies_in or self.measure

    @property
    def frame(self) -> tuple[int, int] | None:
        """The days before today that it reads, the first and the last counted back from today; None for today alone."""
        first = max(self.lag, 1)
        return (first, self.last_day) if first <= self.last_day else None

    def columns_in_frame(self) -> tuple[str, ...]:
        """The columns of the tiles of earlier days that `framed_states` read."""
        if self.frame is None:
            return ()
        read = {column for name in self._aggregate.states for column in STATES[name].columns_in_frame}
        return tuple(column for column in TILE_COLUMNS if column in read)

    def with_today_sql(self) -> str:
        """The aggregate of `earlier_states` and of the columns of today's tile, `today_column`.

        A window that ends before today reads none of those. CatalogueConflictError for an aggregate that
        cannot be had so.
        """
        if not self._aggregate.goes_on:
            raise CatalogueConflictError(
                f"a feature cannot read {self.aggregate!r} of {self.measure!r}: it has no state that today's tile"
                " can be added to (aurora/features/aggregates.py)"
            )
        earlier = self.earlier_states()
        todays = {f"today_{column}": today_column(self.measure, column) for column in TILE_COLUMNS}
        states: dict[str, str] = {}
        for name in self._aggregate.states:
            column = self._column(name)
            known = column if column in earlier else f"null::{STATES[name].type}"
            going_on = STATES[name].with_today.format(earlier=known, scale=self._scale, **todays)
            states[name] = known if self.lag else f"({going_on})"
        return self._aggregate.of_states(states, scale=self._scale)

    def columns_of_today(self) -> tuple[str, ...]:
        """The columns of today's tile that `with_today_sql` reads."""
        if self.lag:
            return ()
        read = {column for name in self._aggregate.states for column in STATES[name].columns_of_today}
        return tuple(column for column in TILE_COLUMNS if column in read)

    def _column(self, what: str) -> str:
        """What an aggregate or a state of this window is called."""
        return f"{self.measure}_{what}_{self.days}d" + (f"_lag_{self.lag}" if self.lag else "")

    @property
    def _aggregate(self) -> Aggregate:
        return AGGREGATES[self.aggregate]

    @property
    def _scale(self) -> str:
        return f"{MEASURES[self.measure].scale}::float8"

    @property
    def unit(self) -> str:
        return self._aggregate.unit.format(unit=MEASURES[self.measure].unit)

    @property
    def last_day(self) -> int:
        """How many days before the row's own day the window begins."""
        return self.lag + self.days - 1

    def value_of(self, tiles: Sequence[DayTile], as_of: datetime) -> Number:
        """The aggregate of these tiles; those outside the window are passed over."""
        return self.value_of_ordered(sorted(tiles, key=itemgetter(0)), as_of)

    def value_of_ordered(self, tiles: Sequence[DayTile], as_of: datetime) -> Number:
        """The same of tiles that come from the latest day on."""
        inside = tiles[bisect_left(tiles, (self.lag,)) : bisect_left(tiles, (self.lag + self.days,))]
        if not inside:
            return self._aggregate.empty
        return self._aggregate.value(inside, MEASURES[self.measure].scale, as_of)


def _inside(first: int, last: int, *conditions: str) -> str:
    return f"filter (where {' and '.join([*conditions, f'days_ago between {first} and {last}'])})"


def column_of(measure: str, column: str) -> str:
    """What the column of a tile is called that says this of a measure, in its own tile or in that in which it lies."""
    return side_by_side(measure, column) if MEASURES[measure].lies_in else column


def frame_name(first: int, last: int) -> str:
    """What the frame of these days before a day's own is called."""
    return f"days_{first}_to_{last}_before"


def today_column(measure: str, column: str) -> str:
    """What a column of today's tile of a measure is called beside those of other measures."""
    return f"{measure}_today_{column}"
