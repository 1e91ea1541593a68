"""Scoring in SQL: the same as `scoring.py`, as scalar expressions for a dbt model.

Three steps, one CTE each, so that no formula is written out twice. Each reads the columns of the one before:

1. `points_sql(spec)` over the input columns: `<factor>_value`, `<factor>_points` of every factor
2. `judgement_sql(spec)` over 1 and the inputs: `score_state`, `known_weight`
3. `score_columns_sql(spec)` over 1 and 2: `score`, `score_state`, `coverage`, `factors`, `version`

All return column → expression. Everything is double precision, except `score_state` (text), `factors`
(jsonb) and `version` (integer).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from aurora.scores.specification import WHOLLY, Factor, ScoreSpec


def points_sql(spec: ScoreSpec) -> dict[str, str]:
    """First step: what each factor's value is and what it earns, null where it is missing."""
    columns = {}
    for factor in spec.factors:
        columns[_value(factor)] = factor.value.sql()
        columns[_points(factor)] = factor.points.sql()
    return columns


def judgement_sql(spec: ScoreSpec) -> dict[str, str]:
    """Second step: whether the day counts, and the sum of the weights that are known."""
    return {"score_state": state_sql(spec), "known_weight": known_weight_sql(spec)}


def score_columns_sql(spec: ScoreSpec) -> dict[str, str]:
    """Third step: every column of a score."""
    return {
        "score": score_sql(spec),
        "score_state": "score_state",
        "coverage": coverage_sql(spec),
        "factors": factors_sql(spec),
        "version": str(spec.version),
    }


def state_sql(spec: ScoreSpec) -> str:
    """SCORED, CALIBRATING or UNSCORABLE, over points and inputs."""
    branches = f"when {_is_unscorable(spec, _points)} then 'UNSCORABLE' else 'SCORED'"
    if spec.calibration is not None:
        most = f"greatest({_list(f'coalesce({name}, 0)' for name in spec.calibration.inputs)})"
        is_calibrating = f"{most} < {spec.calibration.at_least}"
        unscorable = f"when {is_calibrating} and ({_is_unscorable(spec, _value)}) then 'UNSCORABLE'"
        branches = f"{unscorable} when {is_calibrating} then 'CALIBRATING' {branches}"
    return f"case {branches} end"


def _is_unscorable(spec: ScoreSpec, known: Callable[[Factor], str]) -> str:
    unscorable = f"num_nonnulls({_list(known(factor) for factor in spec.factors)}) < {spec.min_factors}"
    if spec.needs_one_of:
        needed = _list(known(factor) for factor in spec.factors if factor.name in spec.needs_one_of)
        unscorable += f" or num_nonnulls({needed}) = 0"
    return unscorable


def known_weight_sql(spec: ScoreSpec) -> str:
    """The sum of the weights of the factors that are known, over points."""
    return " + ".join(
        f"case when {_points(factor)} is not null then {_weight(factor)} else 0 end"
        for factor in spec.factors
    )


def score_sql(spec: ScoreSpec) -> str:
    """0–100, null unless the state is SCORED; over points and judgement."""
    total = " + ".join(f"coalesce({_points(factor)} * {_weight(factor)}, 0)" for factor in spec.factors)
    # Ten shares of a tenth may sum to a trace more than the whole.
    return f"case when score_state = 'SCORED' then least(greatest(({total}) / known_weight, 0), 100) end"


def coverage_sql(spec: ScoreSpec) -> str:
    """Share of the weights that could be judged, 0 to 1; over inputs, points and judgement."""
    known = "known_weight"
    if any(factor.known != WHOLLY for factor in spec.factors):
        known = f"({' + '.join(_known_part(factor) for factor in spec.factors)})"
    return f"{known} / {float(sum(factor.weight for factor in spec.factors))!r}::float8"


def _known_part(factor: Factor) -> str:
    part = f"{_weight(factor)} * coalesce({factor.known.sql()}, 0)"
    return f"case when {_points(factor)} is not null then {part} else 0 end"


def factors_sql(spec: ScoreSpec) -> str:
    """A jsonb array with one object a factor, missing ones included; over points and judgement."""
    return f"jsonb_build_array({_list(_factor_object(factor) for factor in spec.factors)})"


def _factor_object(factor: Factor) -> str:
    pairs = {
        "name": _text(factor.name),
        "value": _value(factor),
        "unit": _text(factor.unit),
        "goal": _text(factor.goal),
        "points": _points(factor),
        "weight": _weight(factor),
        "contribution": f"{_points(factor)} * {_weight(factor)} / nullif(known_weight, 0)",
    }
    return f"jsonb_build_object({_list(f'{_text(key)}, {sql}' for key, sql in pairs.items())})"


def _value(factor: Factor) -> str:
    return f"{factor.name}_value"


def _points(factor: Factor) -> str:
    return f"{factor.name}_points"


def _weight(factor: Factor) -> str:
    return f"{float(factor.weight)!r}::float8"


def _list(parts: Iterable[str]) -> str:
    return ", ".join(parts)


def _text(text: str) -> str:
    escaped = text.replace("'", "''")
    return f"'{escaped}'"
