from __future__ import annotations

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora.scores.ranks import percentile_rank, percentile_rank_sql

totals = st.integers(0, 12)
"""A narrow grid, so that many are equal."""


def test_a_day_longer_than_all_others_stands_at_100_and_a_shorter_one_at_0() -> None:
    assert percentile_rank(9, [1, 2, 8]) == 100
    assert percentile_rank(0, [1, 2, 8]) == 0


def test_equal_days_count_half() -> None:
    assert percentile_rank(5, [5, 5, 5, 5]) == 50
    assert percentile_rank(5, [3, 5, 7, 9]) == 37.5


def test_nothing_to_compare_is_no_rank() -> None:
    assert percentile_rank(5, []) is None
    assert percentile_rank(None, [5]) is None


@given(totals, st.lists(totals, min_size=1), st.integers(0, 5))
def test_a_longer_day_never_stands_lower(value: int, earlier: list[int], more: int) -> None:
    before, after = percentile_rank(value, earlier), percentile_rank(value + more, earlier)

    assert before is not None
    assert after is not None
    assert 0 <= before <= after <= 100


@settings(max_examples=40)
@given(value=totals, earlier=st.lists(totals, max_size=27))
async def test_sql_ranks_days_as_python_does(
    database: psycopg.AsyncConnection, value: int, earlier: list[int]
) -> None:
    query = f"""
        select {percentile_rank_sql("today.total", "earlier.total")}
        from (select %s::bigint as total) as today
        left join unnest(%s::bigint[]) as earlier (total) on true
    """
    cursor = await database.execute(query.encode(), (value, earlier))

    assert await cursor.fetchone() == (pytest.approx(percentile_rank(value, earlier), abs=1e-9),)
