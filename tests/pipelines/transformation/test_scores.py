"""The scores that the marts show are those of the Python engine, from the nights and days that they show."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aurora.features.tiles import Tile
from aurora.features.windows import Window
from aurora.scores.catalogue import SCORES
from aurora.scores.ranks import percentile_rank
from aurora.scores.scoring import score
from aurora.scores.specification import DayRank, ToldDays
from tests.pipelines.transformation.conftest import Warehouse
from tests.pipelines.transformation.lives import Received, lives, store

_NIGHTS = """
    select scores.score, scores.score_state, nights.asleep_minutes, nights.deep_minutes, nights.rem_minutes,
        nights.awake_minutes, nights.bedtime_deviation_minutes
    from marts.scores as scores
    left join marts.nights as nights using (user_id, local_date)
    where scores.score_name = 'sleep'
"""
_REGULARITY = """
    select scores.score, scores.score_state, avg(nights.same_state_percent), count(nights.same_state_percent)::float8
    from marts.scores as scores
    left join intermediate.int_nights as nights
        on scores.user_id = nights.user_id
        and nights.local_date between scores.local_date - 6 and scores.local_date
    where scores.score_name = 'sleep_regularity'
    group by scores.user_id, scores.local_date, scores.score, scores.score_state
"""
_PARTS = """
    select life.score, life.score_state, count(distinct earlier.local_date)::float8,
        jsonb_object_agg(parts.score_name || '_score', parts.score)
    from marts.scores as life
    inner join marts.scores as parts
        on life.user_id = parts.user_id and life.local_date = parts.local_date and parts.score_name <> 'life'
    left join marts.scores as earlier
        on life.user_id = earlier.user_id
        and earlier.local_date between life.local_date - 27 and life.local_date
        and earlier.score_name <> 'life'
        and earlier.score_state = 'SCORED'
    where life.score_name = 'life'
    group by life.user_id, life.local_date, life.score, life.score_state
"""
_OF_TILES = """
    select score_name, user_id, local_date, score, score_state
    from marts.scores
    where score_name = any(%s)
"""
_TILES = """
    select user_id, measure, local_date, n, total, squares, lowest, highest, last_value, last_at
    from intermediate.int_tiles
    where valid_until = 'infinity'
"""
Tiles = dict[tuple[UUID, str], dict[date, Tile]]
OF_TILES = [
    name
    for name, spec in SCORES.items()
    if all(isinstance(entry.source, Window | DayRank | ToldDays) for entry in spec.inputs)
]


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
    _assert_scores_of_tiles(warehouse)
    for value, state, same, pairs in warehouse.rows(_REGULARITY):
        inputs = {"same_state_percent_mean_7d": same, "same_state_percent_count_7d": pairs}
        expected = score(SCORES["sleep_regularity"], inputs)
        assert (state, value) == (expected.score_state, pytest.approx(expected.score))
    lived = warehouse.rows(_PARTS)
    assert {state for _, state, *_ in lived} >= {"CALIBRATING", "UNSCORABLE"}
    for value, state, days, parts in lived:
        expected = score(SCORES["life"], {"scored_days_28d": days, **parts})
        assert (state, value) == (expected.score_state, pytest.approx(expected.score))


def _assert_scores_of_tiles(warehouse: Warehouse) -> None:
    tiles: Tiles = defaultdict(dict)
    for user_id, measure, local_date, *numbers in warehouse.rows(_TILES):
        tiles[user_id, measure][local_date] = Tile(*numbers)
    states = defaultdict(set)
    for name, user_id, day, value, state in warehouse.rows(_OF_TILES, OF_TILES):
        inputs = {entry.name: _input(entry.source, tiles, user_id, day) for entry in SCORES[name].inputs}
        expected = score(SCORES[name], inputs)
        assert (state, value) == (expected.score_state, pytest.approx(expected.score, abs=1e-9)), name
        states[name].add(state)
    assert all("UNSCORABLE" in found for found in states.values())
    assert all("CALIBRATING" in states[name] for name in ("activity", "recovery", "work_balance", "social"))


def _input(source: object, tiles: Tiles, user_id: UUID, day: date) -> float | None:
    if isinstance(source, ToldDays):
        of_person = {measure: tiles[user_id, measure] for measure in source.measures}
        return source.value_of(
            {
                measure: [((day - other).days, tile) for other, tile in days.items()]
                for measure, days in of_person.items()
            }
        )
    assert isinstance(source, Window | DayRank)
    by_day = tiles[user_id, source.measure]
    if isinstance(source, DayRank):
        today, before = by_day.get(day), [day - timedelta(days=ago) for ago in range(1, source.days + 1)]
        return percentile_rank(
            today and today.sum, [by_day[other].sum for other in before if other in by_day]
        )
    ends_at = datetime.combine(day, time(), UTC)
    number = source.value_of([((day - other).days, tile) for other, tile in by_day.items()], ends_at)
    return None if number is None else float(number)
