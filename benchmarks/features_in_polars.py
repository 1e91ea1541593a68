"""The features of the catalogue in Polars, as one would write them there: running sums over days, and asof joins.

Of the days before a moment's own all is taken that was ever measured, as in DuckDB (benchmarks/features_in_duckdb.py):
AURORA's second clock is left out. A window of earlier days is the running sum at its end without the one before its
begin. Every state is declared for every measure: Polars drops those that no window reads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl
import pyarrow as pa

from aurora.events.catalogue import MEASURES
from aurora.features.aggregates import MIN_TREND_DAYS
from aurora.features.catalogue import FEATURES
from aurora.features.sql import windows_by_measure
from aurora.features.states import EWMA_ALPHA
from aurora.features.windows import Window

_KEPT: Final = 1 - EWMA_ALPHA
_DAY: Final = ["user_id", "local_date"]
# From a day nearby: with large x the running sums would lose the digits in which a slope's differences lie.
_X: Final = (pl.col("local_date") - date(2026, 1, 1)).dt.total_days()
_NOTHING: Final = pl.lit(None)

# What is known at the end of a day. All but `last_value` and `last_at` can be subtracted.
_STATES: Final = (
    "n", "total", "squares", "days", "x", "xx", "y", "xy", "decayed", "last_value", "last_at",
)  # fmt: skip


@dataclass(frozen=True)
class _Held:
    """What one window holds at a moment, of the days before and of the moment's own, as expressions."""

    window: Window

    @property
    def scale(self) -> int:
        return MEASURES[self.window.measure].scale

    @property
    def first(self) -> int:
        """How many days before the moment's own the last of the earlier days is."""
        return max(self.window.lag, 1)

    @property
    def has_earlier_days(self) -> bool:
        return self.window.last_day >= self.first

    @property
    def edges(self) -> tuple[int, ...]:
        """How many days before the moment's own the running sums are read."""
        return (self.first, self.window.last_day + 1) if self.has_earlier_days else ()

    def earlier(self, state: str) -> pl.Expr:
        """Summed over the earlier days, 0 when there are none."""
        if not self.has_earlier_days:
            return pl.lit(0)
        end, begin = (pl.col(f"{state}_{days}").fill_null(0) for days in self.edges)
        return end - begin

    def newest(self, state: str) -> pl.Expr:
        """As of the newest of the earlier days, null when there are none."""
        if not self.has_earlier_days:
            return _NOTHING
        return pl.when(self.earlier("days") > 0).then(pl.col(f"{state}_{self.first}"))

    def today(self, state: str) -> pl.Expr:
        return _NOTHING if self.window.lag else pl.col(f"today_{state}")

    def all(self, state: str) -> pl.Expr:
        return self.earlier(state) + self.today(state).fill_null(0)

    @property
    def has_today(self) -> pl.Expr:
        return self.today("n").is_not_null()

    @property
    def todays_mean(self) -> pl.Expr:
        return self.today("total") / self.today("n") / self.scale

    @property
    def days(self) -> pl.Expr:
        return self.earlier("days") + self.has_today.cast(pl.Int64)

    def if_any(self, value: pl.Expr) -> pl.Expr:
        return pl.when(self.all("n") > 0).then(value)


def _std(held: _Held) -> pl.Expr:
    n, total = held.all("n"), held.all("total")
    # In integers up to the division, as everywhere: floats would lose digits in the difference.
    variance = (n * held.all("squares") - total * total) / (n * (n - 1))
    return pl.when(n > 1).then(variance.sqrt() / held.scale)


def _ewma(held: _Held) -> pl.Expr:
    # The days before the window are as many ranks older as the window has days.
    kept = pl.lit(_KEPT) ** held.earlier("days")
    end, begin = (pl.col(f"decayed_{days}").fill_null(0) for days in held.edges)
    weighted, weight = end - kept * begin, (1 - kept) / EWMA_ALPHA
    with_today = (held.todays_mean + _KEPT * weighted) / (1 + _KEPT * weight)
    return pl.when(held.has_today).then(with_today).when(weight > 0).then(weighted / weight)


def _slope(held: _Held) -> pl.Expr:
    n, today = held.days, held.has_today.cast(pl.Int64)
    x, xx = held.earlier("x") + today * _X, held.earlier("xx") + today * _X * _X
    y = held.earlier("y") + held.todays_mean.fill_null(0)
    xy = held.earlier("xy") + _X * held.todays_mean.fill_null(0)
    return pl.when(n >= MIN_TREND_DAYS).then((n * xy - x * y) / (n * xx - x * x))


def _hours_since(held: _Held) -> pl.Expr:
    last_at = pl.max_horizontal(held.today("last_at"), held.newest("last_at"))
    return (pl.col("as_of") - last_at).dt.total_microseconds() / 3_600_000_000


_AGGREGATES: Final[dict[str, Callable[[_Held], pl.Expr]]] = {
    "sum": lambda held: held.if_any(held.all("total") / held.scale),
    "mean": lambda held: held.if_any(held.all("total") / held.all("n") / held.scale),
    "daily": lambda held: held.if_any(held.all("total") / held.days / held.scale),
    "count": lambda held: held.all("n").cast(pl.Float64),
    "std": _std,
    "last": lambda held: pl.coalesce(held.today("last_value"), held.newest("last_value")) / held.scale,
    "hours_since": _hours_since,
    "ewma": _ewma,
    "slope": _slope,
}


def features_in_polars(measurements: pa.Table, moments: pa.Table, names: Sequence[str]) -> pa.Table:
    """One row per moment: `moment` and a column for each of these features of the catalogue, on all cores.

    `measurements` has user_id, measure, local_date, value, happened_at and alive_from; `moments` has moment, user_id,
    local_date, as_of and local_seconds.
    """
    told = _frame(measurements)
    measured = told.partition_by("measure", as_dict=True, include_key=False)
    nothing = told.drop("measure").clear()
    asked = _frame(moments).sort(*_DAY, "as_of")
    days = asked.select(_DAY).unique(maintain_order=True).with_row_index("day")
    asked = asked.join(days, on=_DAY, maintain_order="left")
    columns = [
        _windows(measured.get((measure,), nothing).lazy(), asked.lazy(), days.lazy(), windows)
        for measure, windows in windows_by_measure(FEATURES[name] for name in names).items()
    ]
    together = pl.concat([asked, *pl.collect_all(columns)], how="horizontal")
    features = ", ".join(f"{FEATURES[name].formula.sql()} as {name}" for name in names)
    vectors = pl.SQLContext(moments=together).execute(f"select moment, {features} from moments")  # noqa: S608  # of the catalogue
    return vectors.collect().to_arrow()


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    # Joins then compare numbers, not names of 36 letters.
    return frame.with_columns(pl.col("user_id").cast(pl.Categorical))


def _windows(
    measured: pl.LazyFrame, asked: pl.LazyFrame, days: pl.LazyFrame, windows: list[Window]
) -> pl.LazyFrame:
    """Windows of one measure, for every moment in the order of `asked`."""
    held = [_Held(window) for window in windows]
    known = _known_by_day(measured, held[0].scale)
    for ago in sorted({edge for one in held for edge in one.edges}):
        then = known.select("user_id", "until", pl.col(_STATES).name.suffix(f"_{ago}"))
        days = days.with_columns(until=pl.col("local_date") - pl.duration(days=ago)).join_asof(
            then, on="until", by="user_id", check_sortedness=False
        )
    rows = asked.join(days.drop(_DAY), on="day", how="left", maintain_order="left")
    rows = rows.join_asof(
        _known_today(measured), left_on="as_of", right_on="alive_from", by=_DAY, check_sortedness=False
    )
    return rows.select(_AGGREGATES[one.window.aggregate](one).alias(one.window.column()) for one in held)


def _known_by_day(measured: pl.LazyFrame, scale: int) -> pl.LazyFrame:
    """The states at the end of each day on which something was measured."""
    value, mean = pl.col("value"), pl.col("total") / pl.col("n") / scale
    tiles = measured.group_by(_DAY).agg(
        n=pl.len().cast(pl.Int64),
        total=value.sum(),
        squares=(value * value).sum(),
        last_value=value.max_by("happened_at"),
        last_at=pl.col("happened_at").max(),
    )
    running = {
        "n": pl.col("n").cum_sum(),
        "total": pl.col("total").cum_sum(),
        "squares": pl.col("squares").cum_sum(),
        "days": pl.int_range(1, pl.len() + 1),
        "x": _X.cum_sum(),
        "xx": (_X * _X).cum_sum(),
        "y": mean.cum_sum(),
        "xy": (_X * mean).cum_sum(),
        "decayed": mean.ewm_mean(alpha=EWMA_ALPHA, adjust=True),
        # Of any day so far: nothing of a day before the window ends later than all that is in it.
        "last_at": pl.col("last_at").cum_max(),
    }
    return (
        tiles.sort(_DAY)
        .with_columns(**{state: by_then.over("user_id") for state, by_then in running.items()})
        # The mean's weights add up to this: what is decayed is a sum again.
        .with_columns(decayed=pl.col("decayed") * (1 - pl.lit(_KEPT) ** pl.col("days")) / EWMA_ALPHA)
        .rename({"local_date": "until"})
    )


def _known_today(measured: pl.LazyFrame) -> pl.LazyFrame:
    """The states of a day up to each moment at which something of it became known."""
    value, at = pl.col("value"), pl.col("happened_at")
    running = {
        "today_n": value.cum_count().cast(pl.Int64),
        "today_total": value.cum_sum(),
        "today_squares": (value * value).cum_sum(),
        "today_last_value": pl.when(at == at.cum_max()).then(value).forward_fill(),
        "today_last_at": at.cum_max(),
    }
    return measured.sort(*_DAY, "alive_from", "happened_at").select(
        *_DAY, "alive_from", **{state: by_then.over(_DAY) for state, by_then in running.items()}
    )
