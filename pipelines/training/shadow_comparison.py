"""Champion and challenger on the shadow period: what both told the same people, beside what these then said.

Counted is only a rating that first became known after both had answered and after both versions were trained: a
version that was trained this morning has seen yesterday's, also where it was corrected since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import numpy as np
import psycopg
from psycopg.rows import class_row

from aurora.errors import AuroraError
from aurora.models.catalogue import ModelSpec, model_spec, registered_name
from aurora.models.design import class_numbers
from aurora.models.lift import Lift, user_lift
from aurora.models.metrics import (
    Floats,
    Ints,
    absolute_error,
    class_metrics,
    ranked_probability_score,
    regression_metrics,
)
from aurora.predictions.truth import HORIZON_HOURS

SIDES: Final = ("champion", "challenger")

# The rating is the one that judges a served prediction too (marts.predictions): the next that was not known yet.
_READ: LiteralString = """
    with trained as (
        select
            model_version,
            to_timestamp(coalesce((metadata -> 'trained' ->> 'until')::float8, 'infinity')) as trained_until
        from predictions.model_artifacts
        where model_name = %(registered_name)s
    )
    select
        challenger.user_id,
        challenger.as_of,
        challenger.model_version as challenger_version,
        challenger.champion_version,
        challenger.value as challenger_value,
        challenger.probabilities as challenger_probabilities,
        champion.value as champion_value,
        champion.probabilities as champion_probabilities,
        label.value as rated,
        label.hours_until_rated
    from predictions.shadow_predictions as challenger
    inner join predictions.shadow_predictions as champion
        on
            champion.user_id = challenger.user_id
            and champion.model_name = challenger.model_name
            and champion.as_of = challenger.as_of
            and champion.model_version = challenger.champion_version
    inner join app.users as users on users.user_id = challenger.user_id
    left join trained as challenger_trained on challenger_trained.model_version = challenger.model_version
    left join trained as champion_trained on champion_trained.model_version = champion.model_version
    inner join lateral (
        select
            labels.value,
            greatest(extract(epoch from labels.as_of - challenger.as_of), 0)::float8 / 3600 as hours_until_rated
        from intermediate.int_labels as labels
        where
            labels.user_id = challenger.user_id
            and labels.target = challenger.model_name
            and labels.as_of between
            challenger.as_of - interval '2 days' and challenger.as_of + make_interval(hours => %(horizon_hours)s)
            and (
                labels.as_of >= challenger.as_of
                or (
                    labels.precision = 'day'
                    and exists (
                        select from raw.user_days as days
                        where
                            days.user_id = labels.user_id
                            and days.local_date = labels.local_date
                            and challenger.as_of between days.day_started_at and days.day_ended_at
                    )
                )
            )
            and labels.first_known_at > greatest(
                challenger.made_at, challenger_trained.trained_until, champion_trained.trained_until
            )
        order by labels.as_of, labels.label_event_id
        limit 1
    ) as label on true
    where
        challenger.model_name = %(model)s
        and challenger.model_version <> challenger.champion_version
        and users.cohort = %(cohort)s
        and users.deleted_at is null
        and challenger.value is not null
        and champion.value is not null
        and (%(version)s::text is null or challenger.model_version = %(version)s)
    order by challenger.as_of, challenger.user_id, challenger.model_version
"""


class NothingInTheShadowError(AuroraError):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"no rating followed a moment that a champion and a challenger of {name} both answered and neither knew; "
            "the daily batch lets them answer while there is a challenger"
        )


@dataclass(frozen=True)
class Answered:
    """A moment that a champion and a challenger answered, and what the person said next."""

    user_id: UUID
    as_of: datetime
    challenger_version: str
    champion_version: str
    challenger_value: float
    challenger_probabilities: dict[str, float] | None
    champion_value: float
    champion_probabilities: dict[str, float] | None
    rated: float
    hours_until_rated: float


@dataclass(frozen=True)
class Pair:
    """A challenger beside the champion of its nights: mean loss of both over the ratings that followed."""

    challenger: str
    champion: str
    ratings: int
    champion_loss: float
    challenger_loss: float


@dataclass(frozen=True)
class ShadowComparison:
    """All nights together, as `<metric>/<side>`, and every pair of versions. A positive lift: the challenger
    is better. `hours_until_rated` is the mean over the ratings.
    """

    name: str
    first: datetime
    last: datetime
    ratings: int
    people: int
    hours_until_rated: float
    loss: str
    metrics: dict[str, float]
    lift: Lift
    pairs: tuple[Pair, ...]


def compare_shadow(
    connection: psycopg.Connection[Any], model: str, cohort: str, *, version: str | None = None
) -> ShadowComparison:
    """Hold the challengers (or one version) against the champions beside whom they answered."""
    spec, name = model_spec(model), registered_name(model, cohort)
    asked = {"model": model, "registered_name": name, "cohort": cohort, "version": version}
    asked |= {"horizon_hours": HORIZON_HOURS}
    rows = connection.cursor(row_factory=class_row(Answered)).execute(_READ, asked).fetchall()
    rows = [row for row in rows if spec.kind == "regression" or _have_probabilities(row)]
    if not rows:
        raise NothingInTheShadowError(name)
    _, users = np.unique([str(row.user_id) for row in rows], return_inverse=True)
    rated = np.array([row.rated for row in rows], dtype=np.float64)
    told = {side: _told(spec, side, rows) for side in SIDES}
    losses = {side: _losses(spec, rated, answers) for side, answers in told.items()}
    return ShadowComparison(
        name=name,
        first=rows[0].as_of,
        last=rows[-1].as_of,
        ratings=len(rows),
        people=int(users.max()) + 1,
        hours_until_rated=float(np.mean([row.hours_until_rated for row in rows])),
        loss="mae" if spec.kind == "regression" else "rps",
        metrics={
            f"{metric}/{side}": value
            for side, answers in told.items()
            for metric, value in _metrics(spec, rated, answers, users).items()
        },
        lift=user_lift(losses["champion"], losses["challenger"], users, seed=spec.seed),
        pairs=_pairs(rows, losses),
    )


def _have_probabilities(row: Answered) -> bool:
    return row.challenger_probabilities is not None and row.champion_probabilities is not None


def _told(spec: ModelSpec, side: str, rows: Sequence[Answered]) -> Floats:
    """One value a row, or one probability per row and class."""
    if spec.kind == "regression":
        return np.array([getattr(row, f"{side}_value") for row in rows], dtype=np.float64)
    stated = [getattr(row, f"{side}_probabilities") for row in rows]
    return np.array([[chances[name] for name in spec.classes] for chances in stated], dtype=np.float64)


def _losses(spec: ModelSpec, rated: Floats, told: Floats) -> Floats:
    if spec.kind == "regression":
        return absolute_error(rated, told)
    return ranked_probability_score(class_numbers(rated), told)


def _metrics(spec: ModelSpec, rated: Floats, told: Floats, users: Ints) -> dict[str, float]:
    if spec.kind == "regression":
        return regression_metrics(rated, told, users)
    return class_metrics(class_numbers(rated), told)


def _pairs(rows: Sequence[Answered], losses: dict[str, Floats]) -> tuple[Pair, ...]:
    """In the order of their nights."""
    places: dict[tuple[str, str], list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault((row.challenger_version, row.champion_version), []).append(place)
    return tuple(
        Pair(
            challenger,
            champion,
            len(found),
            float(losses["champion"][found].mean()),
            float(losses["challenger"][found].mean()),
        )
        for (challenger, champion), found in places.items()
    )
