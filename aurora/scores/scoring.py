"""Scoring in Python: one person's local day against one specification. `sql.py` is the same in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from aurora.features.expressions import ColumnValues
from aurora.scores.specification import Factor, ScoreSpec

ScoreState = Literal["SCORED", "CALIBRATING", "UNSCORABLE"]


@dataclass(frozen=True, slots=True)
class ScoredFactor:
    """What one factor brought. The contributions of a score sum to it; a missing factor has none."""

    name: str
    value: float | None
    unit: str
    goal: str
    points: float | None
    weight: float
    contribution: float | None


@dataclass(frozen=True, slots=True)
class Score:
    """A score of one day. `score` is there when, and only when, the state is SCORED."""

    name: str
    version: int
    score: float | None
    score_state: ScoreState
    coverage: float
    """Share of the weights that could be judged, 0 to 1; of a factor that knows part of its days, that part."""
    factors: tuple[ScoredFactor, ...]


def score(spec: ScoreSpec, inputs: Mapping[str, float | None]) -> Score:
    """Judge one day. An input that is absent or None is missing: it is left out, never counted as zero."""
    unknown = sorted(set(inputs) - {entry.name for entry in spec.inputs})
    if unknown:
        raise ValueError(f"the {spec.name} score has no input called {', '.join(unknown)}")
    row = ColumnValues({entry.name: inputs.get(entry.name) for entry in spec.inputs})
    judged = [(factor, factor.value.value(row), factor.points.value(row)) for factor in spec.factors]
    weight = sum(factor.weight for factor, _, points in judged if points is not None)
    known = sum(
        factor.weight * (factor.known.value(row) or 0) for factor, _, points in judged if points is not None
    )
    factors = tuple(_scored(factor, value, points, weight) for factor, value, points in judged)
    state = _state(spec, factors, inputs)
    mean = sum(factor.contribution for factor in factors if factor.contribution is not None)
    return Score(
        name=spec.name,
        version=spec.version,
        # Ten shares of a tenth may sum to a trace more than the whole.
        score=min(max(mean, 0.0), 100.0) if state == "SCORED" else None,
        score_state=state,
        coverage=known / sum(factor.weight for factor in spec.factors),
        factors=factors,
    )


def _scored(factor: Factor, value: float | None, points: float | None, weight: float) -> ScoredFactor:
    return ScoredFactor(
        name=factor.name,
        value=None if value is None else float(value),
        unit=factor.unit,
        goal=factor.goal,
        points=None if points is None else float(points),
        weight=factor.weight,
        contribution=None if points is None else points * factor.weight / weight,
    )


def _state(
    spec: ScoreSpec, factors: Iterable[ScoredFactor], inputs: Mapping[str, float | None]
) -> ScoreState:
    """Until there is enough to compare with, a day counts by what it says; from then on by what earned points."""
    calibration = spec.calibration
    is_calibrating = calibration is not None and all(
        (inputs.get(name) or 0) < calibration.at_least for name in calibration.inputs
    )
    known = {
        factor.name for factor in factors if (factor.value if is_calibrating else factor.points) is not None
    }
    if len(known) < spec.min_factors or (spec.needs_one_of and not known & set(spec.needs_one_of)):
        return "UNSCORABLE"
    return "CALIBRATING" if is_calibrating else "SCORED"
