"""Checks on what became of the predictions: do intervals hold what they promise, is a model better than its baseline?

Judged per cohort and model over the last weeks, on ratings within NEAR_HOURS: what was rated later says as much of the
hours between. Of several predictions that one rating judges the last counts. Ratings of one person are not independent,
so bounds are those of the mean over people.
"""

# Without postponed annotations: Dagster reads those of a check as it is defined.
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import dagster as dg
import numpy as np
import psycopg
from psycopg.rows import tuple_row

from aurora.models.intervals import COVERAGE
from aurora.models.metrics import Bools, Floats, Ints
from aurora.models.reference import covariance_by_person
from aurora.predictions.truth import NEAR_HOURS
from pipelines.quality import ERROR, promise
from pipelines.resources import PostgresResource

PREDICTION_ACCURACY: Final = dg.AssetKey(["marts", "prediction_accuracy"])
WINDOW_DAYS: Final = 28
TOLERANCE: Final = 0.02
"""An interval is honest from COVERAGE − TOLERANCE to COVERAGE + TOLERANCE."""
CONFIDENCE: Final = 0.99
"""Judged every day: of a hundred days on which nothing is wrong, at most one says that something is."""
FEWEST_PEOPLE: Final = 10
FEWEST_RATINGS: Final = 50
"""Below, nothing is said."""

# A study that is replayed has weeks of its own: those before its own newest rating.
_READ: LiteralString = """
    with judged as (
        select distinct on (accuracy.user_id, accuracy.model_name, accuracy.label_event_id)
            users.cohort,
            accuracy.*
        from marts.prediction_accuracy as accuracy
        inner join app.users as users using (user_id)
        where
            accuracy.model_version is not null
            and accuracy.value is not null
            and accuracy.horizon_hours = %(near)s
        order by accuracy.user_id, accuracy.model_name, accuracy.label_event_id, accuracy.as_of desc
    ),
    windows as (
        select cohort, model_name, max(local_date) as last_date
        from judged
        group by cohort, model_name
    )
    select
        cohort,
        model_name,
        user_id::text,
        is_in_interval::integer::float8,
        absolute_error,
        baseline_absolute_error
    from judged
    inner join windows using (cohort, model_name)
    where judged.local_date > windows.last_date - %(days)s
    order by cohort, model_name, user_id, as_of
"""


@dataclass(frozen=True)
class Mean:
    """A mean over ratings with its bounds; without bounds where there are too few people or ratings to say."""

    ratings: int
    people: int
    value: float
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class Judged:
    """What became of the last weeks' predictions of one model of one cohort."""

    cohort: str
    model: str
    coverage: Mean
    """Share of ratings within their 90 % interval."""
    worse_by: Mean
    """Error less the baseline's, on the same ratings."""
    baseline_error: float

    @property
    def is_dishonest(self) -> bool:
        """Whether its intervals hold too little or too much, and not by chance."""
        lower, upper = self.coverage.lower, self.coverage.upper
        if lower is None or upper is None:
            return False
        return upper < COVERAGE - TOLERANCE or lower > COVERAGE + TOLERANCE

    @property
    def is_worse(self) -> bool:
        """Whether its baseline answers better, and not by chance."""
        return self.worse_by.lower is not None and self.worse_by.lower > 0


def judge_predictions(connection: psycopg.Connection[Any]) -> list[Judged]:
    """Each model of each cohort whose predictions were followed by ratings."""
    rows = (
        connection.cursor(row_factory=tuple_row)
        .execute(_READ, {"near": NEAR_HOURS, "days": WINDOW_DAYS})
        .fetchall()
    )
    return [
        _judged(cohort, model, [row[2:] for row in rows if row[:2] == (cohort, model)])
        for cohort, model in dict.fromkeys(row[:2] for row in rows)
    ]


def _judged(cohort: str, model: str, rows: list[tuple[Any, ...]]) -> Judged:
    _, users = np.unique([row[0] for row in rows], return_inverse=True)
    held, error, baseline = np.array([row[1:] for row in rows], dtype=np.float64).T
    compared = ~np.isnan(baseline)
    chance = math.sqrt(COVERAGE * (1 - COVERAGE))
    return Judged(
        cohort,
        model,
        coverage=_mean(held, users, ~np.isnan(held), least_spread=chance),
        worse_by=_mean(error - baseline, users, compared),
        baseline_error=float(baseline[compared].mean()) if compared.any() else math.nan,
    )


def _mean(values: Floats, users: Ints, known: Bools, *, least_spread: float = 0.0) -> Mean:
    """The mean of the known values. `least_spread` is that of one value: a few that agree by chance are not sure."""
    from scipy.special import stdtrit

    values, users = values[known], users[known]
    ratings, people = len(values), len(np.unique(users))
    value = float(values.mean()) if ratings else math.nan
    if ratings < FEWEST_RATINGS or people < FEWEST_PEOPLE:
        return Mean(ratings, people, value)
    error = max(
        math.sqrt(covariance_by_person(values[:, None], users)[0, 0]), least_spread / math.sqrt(ratings)
    )
    reach = float(stdtrit(people - 1, (1 + CONFIDENCE) / 2)) * error
    return Mean(ratings, people, value, value - reach, value + reach)


def _check(postgres: PostgresResource, is_red: Callable[[Judged], bool]) -> dg.AssetCheckResult:
    with postgres.connect() as connection:
        found = judge_predictions(connection)
    lines = [
        "| cohort | model | ratings | people | in interval | bounds | less the baseline's | bounds | baseline | red |",
        "|---|---|--:|--:|--:|---|--:|---|--:|---|",
        *(
            f"| {one.cohort} | {one.model} | {one.coverage.ratings:,} | {one.coverage.people:,}"
            f" | {one.coverage.value:.1%} | {_bounds(one.coverage)} | {one.worse_by.value:+.3f}"
            f" | {_bounds(one.worse_by)} | {one.baseline_error:.3f} | {'yes' if is_red(one) else '–'} |"
            for one in found
        ),
    ]
    return dg.AssetCheckResult(
        passed=not any(map(is_red, found)),
        severity=ERROR,
        metadata={
            "judged": len(found),
            "with too few ratings or people": sum(one.coverage.lower is None for one in found),
            "which": dg.MetadataValue.md("\n".join(lines)),
        },
    )


def _bounds(mean: Mean) -> str:
    return "too few" if mean.lower is None else f"{mean.lower:+.3f} to {mean.upper:+.3f}"


@dg.asset_check(
    asset=PREDICTION_ACCURACY,
    metadata=promise(
        ERROR,
        "Has a feature moved (predictions/drift)? Then people live otherwise than the intervals were calibrated on. "
        "If not, put the version before back: `aurora rollback energy`.",
    ),
)
def intervals_hold_what_they_promise(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Of the last 28 days' ratings 88 to 92 % lay in their 90 % interval, of each cohort and model, but for chance."""
    return _check(postgres, lambda one: one.is_dishonest)


@dg.asset_check(
    asset=PREDICTION_ACCURACY,
    metadata=promise(
        ERROR,
        "`aurora evaluate energy` says how the version does on the ratings since its training; "
        "`aurora rollback energy` puts the one before back.",
    ),
)
def models_are_no_worse_than_their_baselines(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Of no cohort and model was the last 28 days' error larger than the baseline's by more than chance explains."""
    return _check(postgres, lambda one: one.is_worse)


ACCURACY_CHECKS: Final = [intervals_hold_what_they_promise, models_are_no_worse_than_their_baselines]
