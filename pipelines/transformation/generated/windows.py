"""Windows of the feature tables in SQL: the days before a moment's own once for all who know the same, then today.

Of a day of which nothing became known after it was asked (nearly all are so) the newest tiles count: where many days
of a person are asked, they lie in one column order, and frames over it are summed up in one pass. For the other days
the versions that counted are looked up, four weeks of all measures in one scan (docs/decisions/0042, 0044, 0047).
"""

from __future__ import annotations

from collections.abc import Callable

from aurora.events.catalogue import MEASURES
from aurora.features.sql import widest
from aurora.features.states import PART_COLUMNS, TILE_COLUMNS, side_by_side
from aurora.features.windows import Window, column_of, frame_name, today_column
from pipelines.transformation.generated.texts import indented, one_line
from pipelines.transformation.generated.tiles import tiles_of


def windows_ctes(domain: str, by_measure: dict[str, list[Window]]) -> str:
    """The CTEs between `moments` and what reads their `windows`."""
    windows = [window for several in by_measure.values() for window in several]
    earlier = _of_days_before(by_measure)
    values = [f"{one_line(window.with_today_sql())} as {window.column()}" for window in windows]
    first_day = f"first_day={widest(windows)}"
    newest = _columns(earlier, Window.columns_in_frame, side_by_side)
    today = _columns(by_measure, Window.columns_of_today, today_column)
    return f"""todays_tiles as (

    {{{{ todays_tiles('{tiles_of(by_measure)}', {today}) }}}}

),

known_moments as not materialized (

    {{{{ known_moments('{domain}') }}}}

),

days as (

    select distinct user_id, local_date, known_by, known_number, is_framed from known_moments

),

days_in_order as (

    {{{{ newest_tiles('{tiles_of(earlier)}', {newest}, {first_day}) }}}}

),

{_framed(earlier)}
held as (

    select * from framed
    where known_number is not null
    union all
{_looked_up(earlier)}
),

earlier as materialized (

    select
        known_number,
{_states(earlier)}

    from held

),

windows as (

    select
        moments.*,
{indented(values, 8)}

    from known_moments as moments
    inner join earlier using (known_number)
    left join todays_tiles using (moment_number)
    -- A fence: each window is computed once, however often formulas read it.
    offset 0 -- noqa: AM09

),

"""


def measures_of_days_before(by_measure: dict[str, list[Window]]) -> list[str]:
    """The measures by which it changes what is known of the days before. A part changes with its whole."""
    return list(
        dict.fromkeys(MEASURES[measure].part_of or measure for measure in _of_days_before(by_measure))
    )


def _of_days_before(by_measure: dict[str, list[Window]]) -> dict[str, list[Window]]:
    return {
        measure: several
        for measure, several in by_measure.items()
        if any(window.frame is not None for window in several)
    }


def _parts(windows: list[Window]) -> list[str]:
    return list(dict.fromkeys(window.measure for window in windows if window.whole != window.measure))


def _wholes(by_measure: dict[str, list[Window]]) -> list[str]:
    return list(dict.fromkeys(window.whole for windows in by_measure.values() for window in windows))


def _columns(
    by_measure: dict[str, list[Window]],
    columns_of: Callable[[Window], tuple[str, ...]],
    name_of: Callable[[str, str], str],
) -> str:
    """What windows read of tiles, as dbt's macros take it: the name of a column → the measure whose tile it is of, and
    where that says it."""
    windows = [window for several in by_measure.values() for window in several]
    return str(
        {
            name_of(window.measure, column): (window.whole, column_of(window.measure, column))
            for window in windows
            for column in columns_of(window)
        }
    )


def _framed(by_measure: dict[str, list[Window]]) -> str:
    """What the frames of each day give, a line for each measure."""
    lines = [_selected(_merged(windows, Window.framed_states)) for windows in by_measure.values()]
    frames = dict.fromkeys(
        window.frame for windows in by_measure.values() for window in windows if window.frame
    )
    named = [
        f"{frame_name(first, last)} as (newest_first range between {first} following and {last} following)"
        for first, last in frames
    ]
    return f"""framed as (

    select
        known_number,
{indented(lines, 8)}

    from days_in_order
    window
        newest_first as (partition by user_id order by day desc),
{indented(named, 8)}

),
"""


def _looked_up(by_measure: dict[str, list[Window]]) -> str:
    """The same of the other days: one index scan for each, nothing is spilled.

    Person by person and day by day, as the tiles lie: what has left the cache is then read from disk in one go.
    """
    windows = [window for several in by_measure.values() for window in several]
    columns = _selected(_merged(windows, Window.looked_up_states))
    told = [*TILE_COLUMNS, *(column_of(part, column) for part in _parts(windows) for column in PART_COLUMNS)]
    of_tiles = f"'{tiles_of(by_measure)}', {_wholes(by_measure)}, {told}, first_day={widest(windows)}"
    return f"""    select days.known_number, looked_up.*
    from (select * from days where not is_framed order by user_id, local_date) as days
    cross join lateral (
        select {columns}
        from {{{{ tiles_before({of_tiles}) }}}}
    ) as looked_up
"""


def _states(by_measure: dict[str, list[Window]]) -> str:
    """The states from what is held of them, a line for each measure."""
    return indented(
        (_selected(_merged(windows, Window.earlier_states)) for windows in by_measure.values()), 8
    )


def _merged(windows: list[Window], states_of: Callable[[Window], dict[str, str]]) -> dict[str, str]:
    """Column → SQL, each once: windows of one measure share some."""
    return {column: sql for window in windows for column, sql in states_of(window).items()}


def _selected(states: dict[str, str]) -> str:
    return ", ".join(
        column if sql == column else f"{one_line(sql)} as {column}" for column, sql in states.items()
    )
