"""The live vector equals the warehouse's row at the same `as_of`, whatever happened to the events."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from random import Random
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from aurora.features.catalogue import FEATURES
from aurora.features.live import tiles_from_log
from aurora.features.packing import pack, unpack
from aurora.features.vector import Moment, vector
from tests.pipelines.transformation.conftest import Warehouse
from tests.pipelines.transformation.lives import Received, lives, store

LIVES = 100
"""In one build: most of its time is the same however many people there are."""
EXAMPLES = max(settings.default.max_examples // 50, 1) if settings.default else 1
"""Two, so two hundred lives; `--hypothesis-profile=search` makes two thousand, other ones in each run."""
MOMENTS = 8

_VECTORS = """
    select * from intermediate.int_moments
    inner join features.moment_features using (user_id, local_date, as_of, precision)
    where user_id = any(%s)
"""


@pytest.mark.slow
@given(people=st.lists(lives, min_size=LIVES, max_size=LIVES), draws=st.randoms())
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)
async def test_live_vector_equals_the_row_of_the_warehouse(
    warehouse: Warehouse, people: list[list[Received]], draws: Random
) -> None:
    received = [item for life in people for item in life]
    store(warehouse.owner_url, received)
    warehouse.build()

    checked = 0
    async with await psycopg.AsyncConnection.connect(warehouse.owner_url) as connection:
        cursor = connection.cursor(row_factory=dict_row)
        await cursor.execute(_VECTORS, (list({item.user_id for item in received}),))
        rows = await cursor.fetchall()
        for row in _some_of_each_person(rows, draws):
            await _assert_equal(connection, row)
            checked += 1
    print(f"{len(people)} lives, {len(rows)} moments, {checked} of them compared")  # noqa: T201  # a figure for people
    assert checked >= len(people)


def _some_of_each_person(rows: list[dict[str, Any]], draws: Random) -> Iterator[dict[str, Any]]:
    """A row of the warehouse is cheap in a thousand, and a vector from the log is not: some of each person's."""
    by_person: dict[object, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_person[row["user_id"]].append(row)
    for theirs in by_person.values():
        yield from draws.sample(theirs, min(len(theirs), MOMENTS))


async def _assert_equal(connection: psycopg.AsyncConnection[Any], row: dict[str, Any]) -> None:
    moment = Moment(row["as_of"], row["local_date"], row["local_seconds"])
    logged = await tiles_from_log(connection, row["user_id"], moment.local_date, moment.as_of)
    # By way of the bytes that lie in Redis: what they would lose, the vector would miss.
    tiles = {day: unpack(day, pack(day, of_day)) for day, of_day in logged.items()}
    live = vector(tiles, moment)
    for name in FEATURES:
        told, found = live[name], row[name]
        same = told is found is None or (
            told is not None and found is not None and math.isclose(told, found, rel_tol=1e-9, abs_tol=1e-9)
        )
        assert same, f"{name} at {moment}: live {told}, warehouse {found}"
