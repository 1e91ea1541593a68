"""The scores that the marts show are those of the Python engine, from the nights and days that they show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from statistics import mean
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
from tests.pipelines.transformation.dense_lives import dense_lives
from tests.pipelines.transformation.lives import Received, lives, store
from tests.pipelines.transformation.told_nights import ToldNight, told_nights

_NIGHTS = """
    select user_id, local_date, asleep_minutes, deep_minutes, rem_minutes, awake_minutes,
        bedtime_deviation_minutes, same_state_percent
    from intermediate.int_nights
"""
_SCORES = """
    select user_id, local_date, score, score_state, coverage, factors, version
    from marts.scores
    where score_name = %s
"""
_PARTS = """
    select life.user_id, life.local_date, count(distinct earlier.local_date)::float8,
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
    group by life.user_id, life.local_date
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
NIGHT_COLUMNS = ("asleep_minutes", "deep_minutes", "rem_minutes", "awake_minutes")
Inputs = dict[str, float | None]


@given(people=st.tuples(*[lives] * 3, *[dense_lives] * 2))
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
    warehouse: Warehouse, people: tuple[list[Received], ...]
) -> None:
    received = [item for life in people for item in life]
    store(warehouse.owner_url, received)
    warehouse.build(full=True)

    nights = told_nights(received)
    _assert_nights(warehouse, nights)
    seen = {
        "sleep": _assert_scores(warehouse, "sleep", lambda *day: _sleep(nights, *day)),
        "sleep_regularity": _assert_scores(
            warehouse, "sleep_regularity", lambda *day: _regularity(nights, *day)
        ),
    }
    tiles: Tiles = defaultdict(dict)
    for user_id, measure, local_date, *numbers in warehouse.rows(_TILES):
        tiles[user_id, measure][local_date] = Tile(*numbers)
    for name in OF_TILES:
        entries = SCORES[name].inputs
        seen[name] = _assert_scores(
            warehouse,
            name,
            lambda *day, entries=entries: {
                entry.name: _of_tiles(entry.source, tiles, *day) for entry in entries
            },
        )
    parts = {
        (user_id, day): {"scored_days_28d": days, **scores}
        for user_id, day, days, scores in warehouse.rows(_PARTS)
    }
    seen["life"] = _assert_scores(warehouse, "life", lambda *day: parts[day])

    assert seen.keys() == SCORES.keys()
    for name, spec in SCORES.items():
        states = {"SCORED", "UNSCORABLE"} | ({"CALIBRATING"} if spec.calibration else set())
        assert seen[name] >= states | {factor.name for factor in spec.factors}, name


def _assert_nights(warehouse: Warehouse, nights: dict[UUID, dict[date, ToldNight]]) -> None:
    found = {(user_id, day): values for user_id, day, *values in warehouse.rows(_NIGHTS)}
    told = {
        (user_id, day): [
            *(night.sum_of(column) for column in NIGHT_COLUMNS),
            night.bedtime_deviation_minutes,
            night.same_state_percent,
        ]
        for user_id, of_person in nights.items()
        for day, night in of_person.items()
    }

    assert found.keys() == told.keys()
    for key, values in found.items():
        assert values == pytest.approx(told[key], abs=1e-9), key


def _assert_scores(warehouse: Warehouse, name: str, inputs_of: Callable[[UUID, date], Inputs]) -> set[str]:
    """The states that the score was found in, and the factors that earned points."""
    found: set[str] = set()
    for user_id, day, value, state, coverage, factors, version in warehouse.rows(_SCORES, name):
        expected = score(SCORES[name], inputs_of(user_id, day))
        assert (state, value, coverage, version) == (
            expected.score_state,
            pytest.approx(expected.score, abs=1e-9),
            pytest.approx(expected.coverage),
            expected.version,
        ), (name, day)
        assert factors == [pytest.approx(asdict(factor), abs=1e-9) for factor in expected.factors], (
            name,
            day,
        )
        found |= {state, *(factor.name for factor in expected.factors if factor.points is not None)}
    return found


def _sleep(nights: dict[UUID, dict[date, ToldNight]], user_id: UUID, day: date) -> Inputs:
    night = nights.get(user_id, {}).get(day)
    if night is None:
        return {}
    columns = {column: night.sum_of(column) for column in NIGHT_COLUMNS}
    return columns | {"bedtime_deviation_minutes": night.bedtime_deviation_minutes}


def _regularity(nights: dict[UUID, dict[date, ToldNight]], user_id: UUID, day: date) -> Inputs:
    week = [day - timedelta(days=ago) for ago in range(7)]
    of_person = nights.get(user_id, {})
    pairs = [of_person[other].same_state_percent for other in week if other in of_person]
    known = [percent for percent in pairs if percent is not None]
    return {
        "same_state_percent_mean_7d": mean(known) if known else None,
        "same_state_percent_count_7d": float(len(known)),
    }


def _of_tiles(source: object, tiles: Tiles, user_id: UUID, day: date) -> float | None:
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
