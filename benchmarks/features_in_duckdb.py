"""The features of the catalogue in DuckDB, as one would write them there: frames over days, and an ASOF join.

Of the days before a moment's own all is taken that was ever measured, whenever it became known: AURORA's second clock
is left out, which makes the task easier. Of the moment's own day only what was known by then. Where nothing came late
the answers have to be AURORA's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb
import pyarrow as pa

from aurora.events.catalogue import MEASURES
from aurora.features.aggregates import MIN_TREND_DAYS
from aurora.features.catalogue import FEATURES
from aurora.features.sql import windows_by_measure
from aurora.features.states import EWMA_ALPHA
from aurora.features.windows import Window

_KEPT = 1 - EWMA_ALPHA
_N, _TOTAL = "(coalesce(f.n, 0) + coalesce(t.n, 0))", "(coalesce(f.total, 0) + coalesce(t.total, 0))"
_DAYS = "(f.days + (t.n is not null)::int)"
_TODAY = "(t.total / t.n / {scale})"
_X = "(moments.local_date - date '2000-01-01')"

# Earlier days in `f`, today in `t`. {scale} is the measure's.
_MERGED = {
    "sum": f"case when {_N} > 0 then {_TOTAL} / {{scale}} end",
    "mean": f"case when {_N} > 0 then {_TOTAL} / {_N} / {{scale}} end",
    "daily": f"case when {_N} > 0 then {_TOTAL} / {_DAYS} / {{scale}} end",
    "count": f"{_N}::double",
    "std": f"""case when {_N} > 1 then sqrt(
        ({_N} * (coalesce(f.squares, 0) + coalesce(t.squares, 0)) - {_TOTAL} * {_TOTAL}) / ({_N} * ({_N} - 1))
    ) / {{scale}} end""",
    "last": "coalesce(t.last_value, f.last_value) / {scale}",
    "hours_since": "epoch(moments.as_of - greatest(t.last_at, f.last_at)) / 3600",
    "ewma": f"""case
        when t.n is null then f.weighted / nullif(f.weight, 0)
        else ({_TODAY} + {_KEPT} * coalesce(f.weighted, 0)) / (1 + {_KEPT} * coalesce(f.weight, 0))
    end""",
    "slope": f"""case when {_DAYS} >= {MIN_TREND_DAYS} then (
        {_DAYS} * (coalesce(f.xy, 0) + coalesce({_X} * {_TODAY}, 0))
        - (coalesce(f.x, 0) + if(t.n is null, 0, {_X})) * (coalesce(f.y, 0) + coalesce({_TODAY}, 0))
    ) / (
        {_DAYS} * (coalesce(f.xx, 0) + if(t.n is null, 0, {_X} * {_X}))
        - (coalesce(f.x, 0) + if(t.n is null, 0, {_X})) ** 2
    ) end""",
}

# What a frame has to sum up for an aggregate, beside n, total and days.
_FRAME_PARTS = {
    "std": ("sum(squares) over {frame} as squares",),
    "last": ("arg_max(last_value, local_date) over {frame} as last_value",),
    "hours_since": ("max(last_at) over {frame} as last_at",),
    "ewma": ("list(mean order by local_date) filter (where mean is not null) over {frame} as means",),
    "slope": (
        "sum(x) over {frame} as x",
        "sum(x * x) over {frame} as xx",
        "sum(mean) over {frame} as y",
        "sum(x * mean) over {frame} as xy",
    ),
}


def features_in_duckdb(measurements: pa.Table, moments: pa.Table, names: Sequence[str]) -> pa.Table:
    """One row per moment: `moment` and a column for each of these features of the catalogue, on all cores.

    `measurements` has user_id, measure, local_date, value, happened_at and alive_from; `moments` has moment, user_id,
    local_date, as_of and local_seconds.
    """
    connection = duckdb.connect()
    connection.register("measured", measurements)
    connection.register("asked", moments)
    connection.execute(
        "create table measurements as select * from measured order by measure, user_id, local_date"
    )
    connection.execute("create table moments as select * from asked")
    columns = []
    for measure, windows in windows_by_measure(FEATURES[name] for name in names).items():
        for number, (frame, members) in enumerate(_by_frame(windows).items()):
            table = f"{measure}_{number}"
            connection.execute(_window_table(table, measure, frame, members))
            columns.append(table)
    joins = " ".join(f"inner join {table} using (moment)" for table in columns)
    features = ", ".join(f"{FEATURES[name].formula.sql()} as {name}" for name in names)
    return connection.execute(f"select moment, {features} from moments {joins}").to_arrow_table()  # noqa: S608  # of the catalogue


def _by_frame(windows: Iterable[Window]) -> dict[tuple[int, int], list[Window]]:
    found: dict[tuple[int, int], list[Window]] = {}
    for window in windows:
        found.setdefault((window.lag, window.last_day), []).append(window)
    return found


def _window_table(table: str, measure: str, frame: tuple[int, int], windows: list[Window]) -> str:
    """Windows of one measure over the same days, for every moment."""
    lag, last_day = frame
    parts = dict.fromkeys(part for window in windows for part in _FRAME_PARTS.get(window.aggregate, ()))
    summed = ", ".join(
        (
            "sum(n) over frame as n",
            "sum(total) over frame as total",
            "count(n) over frame as days",
            *(part.format(frame="frame") for part in parts),
        )
    )
    weights = (
        f", list_reduce(list_prepend(0.0, means), (held, mean) -> held * {_KEPT} + mean) as weighted,"
        f" (1 - pow({_KEPT}, len(means))) / {EWMA_ALPHA} as weight"
        if any(window.aggregate == "ewma" for window in windows)
        else ""
    )
    scale = f"{MEASURES[measure].scale}::double"
    columns = ", ".join(
        f"{_MERGED[window.aggregate].format(scale=scale)} as {window.column()}" for window in windows
    )
    before = f"interval {last_day} days preceding and interval {max(lag, 1)} days preceding"
    until = "and false" if lag else "and moments.as_of >= t.alive_from"
    return f"""
        create table {table} as
        with measured as (select * from measurements where measure = '{measure}'),
        tiles as (
            select user_id, local_date, count(*) as n, sum(value) as total, sum(value::hugeint * value) as squares,
                arg_max(value, happened_at) as last_value, max(happened_at) as last_at,
                sum(value) / count(*) / {scale} as mean, local_date - date '2000-01-01' as x
            from measured group by user_id, local_date
        ),
        days as (select distinct user_id, local_date from moments),
        grid as (select * from days full join tiles using (user_id, local_date)),
        frames as (
            select user_id, local_date, {summed} from grid
            window frame as (
                partition by user_id order by local_date
                range between {
        before if last_day >= max(lag, 1) else "interval 2 days following and interval 1 day following"
    }
            )
        ),
        f as (select * {weights} from frames),
        t as (
            select user_id, local_date, alive_from, count(*) over known as n, sum(value) over known as total,
                sum(value::hugeint * value) over known as squares, arg_max(value, happened_at) over known as last_value,
                max(happened_at) over known as last_at
            from measured
            window known as (partition by user_id, local_date order by alive_from)
        )
        select moments.moment, {columns}
        from moments
        left join f on f.user_id = moments.user_id and f.local_date = moments.local_date
        {
        "asof left join t on t.user_id = moments.user_id and t.local_date = moments.local_date " + until
        if not lag
        else "left join (select * from t limit 0) as t on true"
    }
    """  # noqa: S608  # names and numbers of the catalogue
