"""The scores that the marts show are those of the Python engine, from the nights and days that they show."""

from __future__ import annotations

from typing import LiteralString, cast

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aurora.scores.catalogue import SCORES
from aurora.scores.scoring import score
from tests.pipelines.transformation.conftest import Warehouse
from tests.pipelines.transformation.lives import Received, lives, store

_NIGHTS = """
    select scores.score, scores.score_state, nights.asleep_minutes, nights.deep_minutes, nights.rem_minutes,
        nights.awake_minutes, nights.bedtime_deviation_minutes
    from marts.scores as scores
    left join marts.nights as nights using (user_id, local_date)
    where scores.score_name = 'sleep'
"""
_DAYS = """
    select scores.score, scores.score_state, days.{mean}
    from marts.scores as scores
    inner join marts.daily_summary as days using (user_id, local_date)
    where scores.score_name = %s
"""


@given(people=st.lists(lives, min_size=4, max_size=4))
@settings(
    max_examples=1,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
def test_scores_of_the_warehouse_are_those_of_python(
    warehouse: Warehouse, people: list[list[Received]]
) -> None:
    store(warehouse.owner_url, [item for life in people for item in life])
    warehouse.build(full=True)

    names = ("asleep_minutes", "deep_minutes", "rem_minutes", "awake_minutes", "bedtime_deviation_minutes")
    nights = warehouse.rows(_NIGHTS)
    assert any(state == "SCORED" for _, state, *_ in nights)
    for value, state, *inputs in nights:
        expected = score(SCORES["sleep"], dict(zip(names, inputs, strict=True)))
        assert (state, value) == (expected.score_state, pytest.approx(expected.score))
    for name in ("mood", "energy"):
        query = cast("LiteralString", _DAYS.format(mean=f"{name}_mean"))
        for value, state, mean in warehouse.rows(query, name):
            expected = score(SCORES[name], {f"{name}_mean_1d": mean})
            assert (state, value) == (expected.score_state, pytest.approx(expected.score))
