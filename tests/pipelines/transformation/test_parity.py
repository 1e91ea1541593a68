"""The live vector equals the warehouse's row at the same `as_of`, whatever happened to the events."""

from __future__ import annotations

import math
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from aurora.features.catalogue import DOMAINS, FEATURES
from aurora.features.live import tiles_from_log
from aurora.features.vector import Moment, vector
from tests.pipelines.transformation.conftest import Warehouse
from tests.pipelines.transformation.lives import Received, lives, store

_KEY = ("user_id", "local_date", "as_of", "precision")
_VECTORS = (
    "select * from intermediate.int_moments "
    + " ".join(
        f"inner join features.moment_{domain}_features using ({', '.join(_KEY)})" for domain in DOMAINS
    )
    + " where user_id = any(%s)"
)


@pytest.mark.slow
@given(people=st.lists(lives, min_size=15, max_size=15))
@settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
async def test_live_vector_equals_the_row_of_the_warehouse(
    warehouse: Warehouse, people: list[list[Received]]
) -> None:
    received = [item for life in people for item in life]
    store(warehouse.owner_url, received)
    warehouse.build()

    checked = 0
    async with await psycopg.AsyncConnection.connect(warehouse.owner_url) as connection:
        cursor = connection.cursor(row_factory=dict_row)
        await cursor.execute(_VECTORS, (list({item.user_id for item in received}),))
        for row in await cursor.fetchall():
            await _assert_equal(connection, row)
            checked += 1
    assert checked >= len(people)


async def _assert_equal(connection: psycopg.AsyncConnection[Any], row: dict[str, Any]) -> None:
    moment = Moment(row["as_of"], row["local_date"], row["local_seconds"])
    tiles = await tiles_from_log(connection, row["user_id"], moment.local_date, moment.as_of)
    live = vector(tiles, moment)
    for name in FEATURES:
        told, found = live[name], row[name]
        same = told is found is None or (
            told is not None and found is not None and math.isclose(told, found, rel_tol=1e-9, abs_tol=1e-9)
        )
        assert same, f"{name} at {moment}: live {told}, warehouse {found}"
