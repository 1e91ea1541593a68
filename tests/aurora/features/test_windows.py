"""Every window aggregate: SQL over joined rows of tiles, and over frames of days, equals Python over the tiles."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora.errors import CatalogueConflictError
from aurora.features.aggregates import AGGREGATES, DayTile
from aurora.features.sql import widest
from aurora.features.states import EWMA_ALPHA, TILE_COLUMNS, side_by_side
from aurora.features.tiles import LIVE_DAYS, Tile
from aurora.features.windows import Window, frame_name, today_column
from tests.aurora.features.nearly import nearly_equal
from tests.aurora.features.tiles_of_days import AS_OF, Day, days

# Of scale 1000 and of scale 1, whole windows and lagged ones.
WINDOWS = [
    Window(measure, aggregate, size, lag)
    for measure, aggregate, (size, lag) in itertools.product(
        ("energy", "steps"), AGGREGATES, ((1, 0), (7, 0), (28, 0), (1, 1), (5, 3))
    )
]


TODAY = 9587
"""The number of the day on which the windows are asked."""

_TILES = f"""
    tiles as (
        select *, {TODAY} - days_ago as day from unnest(
            %s::integer[], %s::bigint[], %s::numeric[], %s::bigint[], %s::bigint[], %s::bigint[],
            %s::timestamptz[], %s::integer[]
        ) as tiles ({", ".join(TILE_COLUMNS)}, days_ago)
    ),
    moments as (select %s::timestamptz as as_of)
"""


async def over_rows(
    connection: psycopg.AsyncConnection[Any],
    windows: list[Window],
    found: list[Day],
    *,
    order: str = "days_ago",
) -> dict[Window, float | None]:
    """All windows over the tiles of one measure, joined to one day as the dbt model of a score joins them."""
    aggregates = ", ".join(f"{window.aggregate_sql()} as {window.column()}" for window in windows)
    query = f"""
        joined as (
            select * from moments left join tiles on true order by {order}
        ),
        windows as (select {aggregates} from joined group by as_of)
    """
    return await read(connection, query, windows, found)


async def with_today(
    connection: psycopg.AsyncConnection[Any], windows: list[Window], found: list[Day]
) -> dict[Window, float | None]:
    """All windows over the days before today, and then today's tile, as features look up days that changed later."""
    held = {column: sql for window in windows for column, sql in window.looked_up_states().items()}
    looked_up = ", ".join(f"{sql} as {column}" for column, sql in held.items())
    # Each measure has its rows, and another that no window reads lies between them.
    measures = [*sorted({window.measure for window in windows}), "unread"]
    query = f"""
        of_measures as (select * from tiles cross join unnest(array{measures}) as measure where days_ago > 0),
        looked_up as (select {looked_up} from of_measures),
        earlier as (select {_earlier(windows)} from looked_up),
    """
    return await gone_on_with_today(connection, query, windows, found)


async def with_today_by_frames(
    connection: psycopg.AsyncConnection[Any], windows: list[Window], found: list[Day]
) -> dict[Window, float | None]:
    """The same as features have settled days: side by side, in one order, each day with frames over those before."""
    held = {column: sql for window in windows for column, sql in window.framed_states().items()}
    columns = ", ".join(
        f"{column} as {side_by_side(measure, column)}"
        for measure in {window.measure for window in windows}
        for column in TILE_COLUMNS
    )
    frames = ", ".join(
        f"{frame_name(*frame)} as (newest_first range between {frame[0]} following and {frame[1]} following)"
        for frame in {window.frame for window in windows}
        if frame is not None
    )
    query = f"""
        side_by_side as (
            select {TODAY} - asked.days_ago as day, {columns}
            from generate_series(0, 50) as asked (days_ago) left join tiles using (days_ago)
        ),
        framed as (
            select day, {", ".join(f"{sql} as {column}" for column, sql in held.items())}
            from side_by_side window newest_first as (order by day desc), {frames}
        ),
        earlier as (select {_earlier(windows)} from framed where day = {TODAY}),
    """
    return await gone_on_with_today(connection, query, windows, found)


def _earlier(windows: list[Window]) -> str:
    states = {column: sql for window in windows for column, sql in window.earlier_states().items()}
    return ", ".join(f"{sql} as {column}" for column, sql in states.items())


async def gone_on_with_today(
    connection: psycopg.AsyncConnection[Any], earlier: str, windows: list[Window], found: list[Day]
) -> dict[Window, float | None]:
    measures = {window.measure for window in windows}
    todays = ", ".join(
        f"max({column}) filter (where days_ago = 0) as {today_column(measure, column)}"
        for measure in measures
        for column in TILE_COLUMNS
    )
    values = ", ".join(f"{window.with_today_sql()} as {window.column()}" for window in windows)
    query = f"""
        {earlier}
        todays_tiles as (select {todays} from tiles),
        windows as (select {values} from moments cross join earlier cross join todays_tiles)
    """
    return await read(connection, query, windows, found)


async def read(
    connection: psycopg.AsyncConnection[Any], query: str, windows: list[Window], found: list[Day]
) -> dict[Window, float | None]:
    tiles = [
        (t.n, t.sum, t.sum_squares, t.min, t.max, t.last, t.last_at, day.days_ago)
        for day in sorted(found, key=lambda day: day.days_ago)
        for t in [day.tile]
    ]
    columns = [list(column) for column in zip(*tiles, strict=True)] or [[]] * 8
    readings = ", ".join(window.sql() for window in windows)
    async with connection.transaction():
        cursor = await connection.execute(
            f"with {_TILES}, {query} select {readings} from windows".encode(), [*columns, AS_OF]
        )
        row = await cursor.fetchone()
    assert row is not None
    return dict(zip(windows, row, strict=True))


def tiles_of(found: list[Day]) -> list[DayTile]:
    return [(day.days_ago, day.tile) for day in found]


@settings(max_examples=60)
@given(days)
async def test_every_aggregate_reads_the_same_in_sql_and_in_python(
    database: psycopg.AsyncConnection, found: list[Day]
) -> None:
    values = await over_rows(database, WINDOWS, found)

    for window in WINDOWS:
        expected = window.value_of(tiles_of(found), AS_OF)
        assert nearly_equal(values[window], expected), window.column()


@settings(max_examples=60)
@given(days)
async def test_what_a_window_says_does_not_depend_on_the_order_of_its_rows(
    database: psycopg.AsyncConnection, found: list[Day]
) -> None:
    of_days = [window for window in WINDOWS if window.aggregate.endswith("_of_days")]
    newest_first, oldest_first = [
        await over_rows(database, of_days, found, order=order) for order in ("days_ago", "days_ago desc")
    ]

    # To the last bit: rows of the warehouse are compared by their hashes.
    assert newest_first == oldest_first


@settings(max_examples=60)
@given(days)
async def test_a_window_goes_on_with_todays_tile(database: psycopg.AsyncConnection, found: list[Day]) -> None:
    windows = [window for window in WINDOWS if AGGREGATES[window.aggregate].goes_on]
    looked_up = await with_today(database, windows, found)
    framed = await with_today_by_frames(database, windows, found)

    for window in windows:
        expected = window.value_of(tiles_of(found), AS_OF)
        assert nearly_equal(looked_up[window], expected), window.column()
    # To the last bit: which of the two is read depends on how many days of a person are asked.
    assert framed == looked_up


def test_an_aggregate_without_states_cannot_be_a_feature() -> None:
    with pytest.raises(CatalogueConflictError, match="std_of_days"):
        Window("hrv", "std_of_days", 28).with_today_sql()


@given(days, st.randoms(use_true_random=False), st.sampled_from(WINDOWS))
def test_the_order_of_tiles_does_not_matter(found: list[Day], random: Any, window: Window) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)

    assert window.value_of(tiles_of(shuffled), AS_OF) == window.value_of(tiles_of(found), AS_OF)


def test_an_empty_window_is_missing_except_for_counts() -> None:
    for name in AGGREGATES:
        expected = 0 if name in {"count", "days"} else None
        assert Window("energy", name, 7).value_of([], AS_OF) == expected


def day(days_ago: int, *values: float) -> Day:
    return Day(days_ago, tuple(round(value * 1000) for value in values), 3600)


def energy(aggregate: str, size: int, *found: Day, lag: int = 0) -> float | None:
    return Window("energy", aggregate, size, lag).value_of(tiles_of(list(found)), AS_OF)


def test_the_mean_weighs_ratings_and_the_daily_mean_divides_by_days() -> None:
    ratings = (day(0, 2, 4), day(3, 9))

    assert energy("mean", 7, *ratings) == 5
    assert energy("daily", 7, *ratings) == 7.5
    assert energy("sum", 7, *ratings) == 15
    assert energy("count", 7, *ratings) == 3
    assert energy("days", 7, *ratings) == 2


def test_the_spread_is_that_of_a_sample_and_missing_for_one_rating() -> None:
    assert energy("std", 7, day(0, 2, 4), day(1, 4, 4), day(2, 5, 5), day(3, 7, 9)) == pytest.approx(
        2.138089935299395
    )
    assert energy("std", 7, day(0, 5)) is None
    assert energy("std", 7, day(0, 5, 5)) == 0


def test_ewma_weighs_days_by_rank_so_that_a_gap_costs_the_newest_nothing() -> None:
    keep = 1 - EWMA_ALPHA
    expected = (8 + keep * 6 + keep**2 * 2) / (1 + keep + keep**2)

    assert energy("ewma", 28, day(0, 8), day(1, 6), day(2, 2)) == pytest.approx(expected)
    assert energy("ewma", 28, day(5, 8), day(9, 6), day(27, 2)) == pytest.approx(expected)
    assert energy("ewma", 28, day(0, 7, 9), day(1, 6), day(2, 1, 3)) == pytest.approx(expected)


def test_the_slope_is_a_change_a_day_and_needs_three_days() -> None:
    assert energy("slope", 14, day(0, 5), day(1, 4), day(2, 3)) == pytest.approx(1)
    assert energy("slope", 14, day(0, 1), day(2, 2), day(4, 3)) == pytest.approx(-0.5)
    assert energy("slope", 14, day(0, 5), day(1, 4)) is None


def test_last_is_the_newest_days_and_hours_since_count_from_the_latest() -> None:
    assert energy("last", 28, day(4, 1, 2), day(2, 3, 4)) == 4
    assert energy("hours_since", 28, day(4, 1), day(2, 3)) == 49


def test_a_lagged_window_leaves_out_the_newest_days() -> None:
    assert energy("sum", 2, day(0, 1), day(1, 2), day(2, 3), day(3, 4), lag=1) == 5


def test_days_outside_the_window_are_passed_over() -> None:
    assert energy("sum", 7, day(6, 1), day(7, 9)) == 1


def test_a_window_that_cannot_be_is_refused() -> None:
    with pytest.raises(CatalogueConflictError, match="no event type measures"):
        Window("charm", "sum", 7)
    with pytest.raises(CatalogueConflictError, match="median"):
        Window("energy", "median", 7)
    with pytest.raises(CatalogueConflictError, match="28 days"):
        Window("energy", "sum", LIVE_DAYS, lag=1)
    with pytest.raises(CatalogueConflictError, match="28 days"):
        Window("energy", "sum", 0)


def test_a_window_of_what_lies_in_a_rating_reads_its_count_and_its_sum() -> None:
    assert Window("mood_evening", "mean", 28).whole == "mood"
    assert Window("caffeine_evening", "hours_since", 7).whole == "caffeine_evening"
    for aggregate in ("std", "last", "min", "max", "hours_since"):
        with pytest.raises(CatalogueConflictError, match=f"'mood_evening' asks for '{aggregate}'"):
            Window("mood_evening", aggregate, 28)


def test_what_a_dbt_model_has_to_join_follows_from_its_windows() -> None:
    windows = [Window("energy", "sum", 7), Window("energy", "mean", 3, lag=10)]

    assert widest(windows) == 12


def test_times_are_kept_to_the_microsecond() -> None:
    at = AS_OF - timedelta(microseconds=1)

    assert Window("meals", "hours_since", 2).value_of([(0, Tile(1, 1, 1, 1, 1, 1, at))], AS_OF) == (
        pytest.approx(1e-6 / 3600)
    )
