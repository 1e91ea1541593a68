"""States: what a window of tiles keeps of its days, so that today's tile can be added to it.

Each has three readings in SQL, side by side. Over rows: the tiles of one day or moment were joined to it. Over a frame:
the tiles of a person lie in one column order, the newest day first, and each day looks at those before its own. With
today: from the state of the days before and the columns of today's tile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

EWMA_ALPHA: Final = 0.3
"""Weight of the newest day; hard to beat on real self-reports (see docs/models.md)."""

KEPT: Final = 1 - EWMA_ALPHA

TILE_COLUMNS: Final = ("n", "total", "squares", "lowest", "highest", "last_value", "last_at")
"""What SQL knows of a tile."""

PART_COLUMNS: Final = ("n", "total")
"""What the tile of a measure knows of each that lies in it (`Measure.lies_in`); null where there is none."""

OF_A_ROW: Final = {f"row_{column}": column for column in TILE_COLUMNS}
"""The columns where rows are tiles of one measure."""

ROW_MEAN: Final = "({row_total}::float8 / {row_n} / {scale})"
_TODAYS_MEAN: Final = "({today_total}::float8 / {today_n} / {scale})"
_HAS_TODAY: Final = "{today_n} is not null"
_HAS_TILE: Final = "filter (where {row_n} is not null) over {frame}"

IN_ORDER: Final = "order by days_ago"
"""Sums of floats are the same to the last bit only in one order, however the rows came. Frames have that order, and
so have rows that are handed over newest first."""


@dataclass(frozen=True)
class State:
    """A number that a window keeps of its days; null, or 0 for `days`, when there is none.

    `rows` sums up rows of tiles, which have TILE_COLUMNS, `day` (the number of its day) and `days_ago` (0 is today);
    {inside} is the filter of the window, if it needs one. `frame` sums up a frame of days, newest first, of which not
    all have a tile: {row_n} and so on are then null; {frame} is the window's, and `day` the number of a row's day. Both
    give the same to the last bit: the state, or what `of_held` makes it of. `with_today` goes on from the state of the
    days before, {earlier}, with the columns of today's tile, {today_n} and so on, which are null when there is none.
    {scale} is the measure's.
    """

    rows: str
    with_today: str
    type: str = "bigint"
    """Of the state, in SQL."""
    frame: str = ""
    """Where empty, it is `rows` over the frame."""
    of_held: Callable[[str, int], str] | None = None
    """For what cannot be said within a frame: see `from_held`."""

    def over_rows(self, *, scale: str, inside: str) -> str:
        """What the rows of a window give."""
        return self.rows.format(scale=scale, inside=inside, **OF_A_ROW)

    def over_rows_in_order(self, *, scale: str, inside: str, columns: Mapping[str, str]) -> str:
        """The same of rows that come newest first, and whose `columns` are called so."""
        return self._unordered.format(scale=scale, inside=inside, **columns)

    def over_frame(self, *, scale: str, measure: str, frame: str) -> str:
        """What a frame gives of days that have the tiles of several measures side by side."""
        columns = {name: side_by_side(measure, column) for name, column in OF_A_ROW.items()}
        return self._over_frame.format(scale=scale, frame=frame, **columns)

    def from_held(self, held: str, days: int) -> str:
        """The state from what a window of so many days gave, which is called `held`."""
        return self.of_held(held, days) if self.of_held else held

    @property
    def columns_in_frame(self) -> tuple[str, ...]:
        """The columns of a tile that a frame reads."""
        return tuple(column for name, column in OF_A_ROW.items() if f"{{{name}}}" in self._over_frame)

    @property
    def columns_read(self) -> frozenset[str]:
        """The columns of tiles that any of its readings needs."""
        return self.columns_of_today.union(self.columns_in_frame)

    @property
    def columns_of_today(self) -> frozenset[str]:
        """The columns of today's tile that are read."""
        return frozenset(column for column in TILE_COLUMNS if f"{{today_{column}}}" in self.with_today)

    @property
    def _over_frame(self) -> str:
        return self.frame or self._unordered.replace("{inside}", "over {frame}")

    @property
    def _unordered(self) -> str:
        return self.rows.replace(f" {IN_ORDER}", "")


def side_by_side(measure: str, column: str) -> str:
    """What a column of a measure's tile is called beside those of other measures."""
    return f"{measure}_{column}"


def _added(rows: str, today: str, sql_type: str = "bigint") -> State:
    """A sum. Null and a number is that number: a window of nothing has no sum."""
    return State(
        f"sum({rows}) {{inside}}", f"coalesce({{earlier}} + {today}, {{earlier}}, {today})", sql_type
    )


def _weighted(means: str, days: int) -> str:
    """The means of an array, newest first, each by the weight of its rank.

    Term by term: a window of four weeks has few, and to unnest them would be a scan of its own for each day.
    """
    terms = (f"coalesce(({means})[{rank + 1}], 0) * power({KEPT!r}::float8, {rank})" for rank in range(days))
    return f"case when {means} is not null then {' + '.join(terms)} end"


_N: Final = "count({row_n}) over {frame}"
_X: Final = f"sum(day) {_HAS_TILE}"
_XX: Final = f"sum(day * day) {_HAS_TILE}"

STATES: Final[dict[str, State]] = {
    "n": _added("{row_n}", "{today_n}"),
    "total": _added("{row_total}", "{today_total}", "numeric"),
    "squares": _added("{row_squares}", "{today_squares}", "numeric"),
    "days": State("count({row_n}) {inside}", f"coalesce({{earlier}}, 0) + ({_HAS_TODAY})::integer"),
    "lowest": State("min({row_lowest}) {inside}", "least({earlier}, {today_lowest})"),
    "highest": State("max({row_highest}) {inside}", "greatest({earlier}, {today_highest})"),
    # Arrays compare element by element: the greatest (day, value) pair is the newest day's.
    "last_value": State(
        "(max(array[-days_ago, {row_last_value}]) {inside})[2]",
        "coalesce({today_last_value}, {earlier})",
        frame=f"(array_agg({{row_last_value}}) {_HAS_TILE})[1]",
    ),
    "last_at": State("max({row_last_at}) {inside}", "greatest({earlier}, {today_last_at})", "timestamptz"),
    "means": _added(f"{ROW_MEAN} {IN_ORDER}", _TODAYS_MEAN, "float8"),
    # By rank: a day that is added moves all others one rank down.
    "weighted": State(
        f"array_agg({ROW_MEAN} {IN_ORDER}) {{inside}}",
        f"case when {_HAS_TODAY} then {_TODAYS_MEAN} + {KEPT!r}::float8 * coalesce({{earlier}}, 0)"
        " else {earlier} end",
        "float8",
        frame=f"array_agg({ROW_MEAN}) {_HAS_TILE}",
        of_held=_weighted,
    ),
    # Days are counted from today, so that today is 0 and adds nothing to them. In a frame they are counted from one
    # day for all; what that adds is taken away again, in integers as far as can be. Where it cannot, rows do the same.
    "x": State("sum(-days_ago) {inside}", "{earlier}", frame=f"{_X} - day * {_N}"),
    "xx": State(
        "sum(days_ago * days_ago) {inside}",
        "{earlier}",
        frame=f"{_XX} - 2 * day * {_X} + day * day * {_N}",
    ),
    "xy": State(
        f"(sum(day * {ROW_MEAN} {IN_ORDER}) {{inside}}"
        f" - max(day + days_ago) {{inside}} * sum({ROW_MEAN} {IN_ORDER}) {{inside}})",
        "{earlier}",
        "float8",
        frame=f"sum(day * {ROW_MEAN}) over {{frame}} - day * sum({ROW_MEAN}) over {{frame}}",
    ),
}
