from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora.errors import CatalogueConflictError, UnknownScoreError
from aurora.scores.catalogue import SCORES, score_spec
from aurora.scores.life import PARTS
from aurora.scores.scoring import score
from aurora.scores.specification import ScoreSpec, ToldDays
from tests.aurora.scores.warehouse_scores import scores_in_sql

RANGES = {
    "min": (0, 11_000),
    "valence": (-1, 1),
    "points": (0, 10),
    "days": (0, 28),
    "nights": (0, 7),
    "%": (0, 100),
    "ms": (0, 500),
    "ln ms": (-7, 7),
    "bpm": (20, 260),
}
"""What a unit's numbers can be, the borders of payloads and what was stored before them; minutes up to a week."""

HIGHER_IS_BETTER = {
    "sleep": ("deep_minutes", "rem_minutes"),
    "activity": ("active_minutes_sum_7d", "told_days_7d"),
    "sleep_regularity": ("same_state_percent_mean_7d",),
    "recovery": ("hrv_mean_1d", "sleep_efficiency_mean_1d"),
    "mood": ("mood_mean_1d",),
    "energy": ("energy_mean_1d",),
    "work_balance": (),
    "social": ("social_minutes_rank_27d",),
    "life": tuple(f"{part}_score" for part in PARTS),
}
LOWER_IS_BETTER = {
    "sleep": ("awake_minutes", "bedtime_deviation_minutes"),
    "recovery": ("resting_heart_rate_mean_1d",),
    "work_balance": ("work_minutes_rank_27d",),
}


def days_of(spec: ScoreSpec) -> st.SearchStrategy[dict[str, float | None]]:
    """Any day, with any of its inputs missing."""
    columns = {}
    for entry in spec.inputs:
        low, high = (0, 100) if spec.name == "life" and entry.unit == "points" else RANGES[entry.unit]
        if isinstance(entry.source, ToldDays):
            high = entry.source.days
        # Thousandths, as measures are kept; and a wide grid, so that borders are met often.
        grid = st.integers(low, high).map(float) | st.integers(low * 1000, high * 1000).map(
            lambda n: n / 1000
        )
        columns[entry.name] = st.none() | grid
    return st.fixed_dictionaries(columns)


def _lowest(spec: ScoreSpec, name: str) -> float:
    (unit,) = (entry.unit for entry in spec.inputs if entry.name == name)
    return RANGES[unit][0]


a_scored_day = st.sampled_from(list(SCORES.values())).flatmap(
    lambda spec: st.tuples(st.just(spec), days_of(spec))
)


@given(a_scored_day)
def test_a_score_and_its_points_never_leave_0_to_100(case: tuple[ScoreSpec, dict[str, Any]]) -> None:
    result = score(*case)

    assert (result.score is not None) == (result.score_state == "SCORED")
    assert result.score is None or 0 <= result.score <= 100
    assert 0 <= result.coverage <= 1
    assert all(factor.points is None or 0 <= factor.points <= 100 for factor in result.factors)


@given(a_scored_day)
def test_contributions_sum_to_the_score(case: tuple[ScoreSpec, dict[str, Any]]) -> None:
    result = score(*case)

    if result.score is not None:
        total = sum(factor.contribution or 0 for factor in result.factors)
        assert total == pytest.approx(result.score, abs=1e-9)


@given(a_scored_day)
def test_a_missing_factor_changes_nothing_but_the_weights_of_the_others(
    case: tuple[ScoreSpec, dict[str, Any]],
) -> None:
    result = score(*case)

    known = [factor for factor in result.factors if factor.points is not None]
    weight = sum(factor.weight for factor in known)
    told = (case[1]["told_days_7d"] or 0) / 7 if result.name == "activity" else 1
    assert result.coverage == pytest.approx(weight / 100 * told)
    for factor in result.factors:
        if factor.points is None:
            assert factor.contribution is None
        else:
            assert factor.contribution == pytest.approx(factor.points * factor.weight / weight)


@given(a_scored_day, st.data())
def test_leaving_out_a_factor_below_the_score_never_lowers_it(
    case: tuple[ScoreSpec, dict[str, Any]], data: st.DataObject
) -> None:
    spec, day = case
    # One input lost is at most one factor.
    name = data.draw(st.sampled_from([entry.name for entry in spec.inputs]))
    before, after = score(spec, day), score(spec, day | {name: None})

    lost = {
        old.name: old.points
        for old, new in zip(before.factors, after.factors, strict=True)
        if new.points is None and old.points is not None
    }
    if before.score is not None and after.score is not None and lost:
        (points,) = lost.values()
        assert points is not None
        if points <= before.score:
            assert after.score >= before.score - 1e-9
        else:
            assert after.score <= before.score + 1e-9


@given(a_scored_day, st.data())
def test_a_better_input_never_lowers_the_score(
    case: tuple[ScoreSpec, dict[str, Any]], data: st.DataObject
) -> None:
    spec, day = case
    higher, lower = HIGHER_IS_BETTER[spec.name], LOWER_IS_BETTER.get(spec.name, ())
    name = data.draw(st.sampled_from(higher + lower))
    value = day[name]
    if value is None:
        return
    better = value + data.draw(st.floats(0, 500)) * (1 if name in higher else -1)
    if better < _lowest(spec, name):
        return
    before, after = score(spec, day), score(spec, day | {name: better})

    if before.score is not None:
        assert after.score is not None
        assert after.score >= before.score - 1e-9


@given(st.floats(0, 1440), st.floats(0, 1440))
def test_a_duration_nearer_to_the_recommended_range_never_earns_less(one: float, other: float) -> None:
    def points(minutes: float) -> float:
        return score(SCORES["sleep"], {"asleep_minutes": minutes}).score or 0.0

    shorter, longer = sorted((one, other))
    if longer <= 540:
        assert points(shorter) <= points(longer)
    if shorter >= 420:
        assert points(shorter) >= points(longer)


@given(st.floats(0, 1439))
def test_one_minute_of_sleep_never_costs_more_than_a_point(minutes: float) -> None:
    def points(asleep: float) -> float:
        return score(SCORES["sleep"], {"asleep_minutes": asleep}).score or 0.0

    assert abs(points(minutes + 1) - points(minutes)) <= 1 + 1e-9


@pytest.mark.parametrize("name", SCORES)
@settings(max_examples=5)
@given(data=st.data())
async def test_sql_and_python_score_any_day_alike(
    name: str, database: psycopg.AsyncConnection, data: st.DataObject
) -> None:
    spec = SCORES[name]
    days = data.draw(st.lists(days_of(spec), min_size=1, max_size=100))

    rows = await scores_in_sql(database, spec, days)

    for day, row in zip(days, rows, strict=True):
        expected = score(spec, day)
        assert row["score"] == pytest.approx(expected.score, abs=1e-9)
        assert row["score_state"] == expected.score_state
        assert row["coverage"] == pytest.approx(expected.coverage, abs=1e-9)
        for in_sql, in_python in zip(row["factors"], expected.factors, strict=True):
            assert in_sql == pytest.approx(asdict(in_python), abs=1e-9)


def test_an_input_that_the_score_does_not_have_is_refused_rather_than_missing() -> None:
    with pytest.raises(ValueError, match="slept_minutes"):
        score(SCORES["sleep"], {"slept_minutes": 480})


def test_an_unknown_score_is_named_in_the_error() -> None:
    with pytest.raises(UnknownScoreError, match="'charm'"):
        score_spec("charm")


def test_a_specification_that_does_not_add_up_is_refused() -> None:
    sleep = SCORES["sleep"]

    with pytest.raises(CatalogueConflictError, match="weights"):
        replace(sleep, factors=sleep.factors[:1], inputs=sleep.inputs[:1])
    with pytest.raises(CatalogueConflictError, match="rem_minutes"):
        replace(sleep, inputs=tuple(entry for entry in sleep.inputs if entry.name != "rem_minutes"))
    with pytest.raises(CatalogueConflictError, match="twice"):
        replace(sleep, inputs=(*sleep.inputs, sleep.inputs[0]))
    with pytest.raises(CatalogueConflictError, match="does not have"):
        replace(sleep, needs_one_of=("dreams",))
    with pytest.raises(CatalogueConflictError, match="asks for 6"):
        replace(sleep, min_factors=6)
    with pytest.raises(CatalogueConflictError, match="not a column's name"):
        replace(sleep, name="sleep; drop table")
