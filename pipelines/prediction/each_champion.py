"""Work that is done for each model and cohort, each on its own: predicting, measuring drift."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import dagster as dg
import psycopg

from aurora.models.catalogue import MODELS
from pipelines.each_cohort import Failure, Outcome, each_on_its_own
from pipelines.resources import PostgresResource, ReplayResource

Report = TypeVar("Report")


def each_champion(
    work: str,
    do: Callable[[psycopg.Connection[Any], str, str], Report],
    *,
    context: dg.AssetExecutionContext,
    postgres: PostgresResource,
    replay: ReplayResource,
) -> Outcome[Report]:
    """`do` with each model and each cohort that is meant. Where all of them fail, the first error is raised.

    Each gets a connection of its own: the next cohort must not inherit a broken one.
    """
    with postgres.connect() as connection:
        found = connection.execute(
            "select distinct cohort from app.users where deleted_at is null order by cohort"
        ).fetchall()
    cohorts = [cohort for (cohort,) in found if replay.is_meant(cohort)]

    def connected(model: str, cohort: str) -> Report:
        with postgres.connect(autocommit=True) as connection:
            return do(connection, model, cohort)

    def tell(failure: Failure) -> None:
        context.log.error("%s", failure.sentence, exc_info=failure.error)

    outcomes = [
        each_on_its_own(f"{work} {model}", cohorts, partial(connected, model), on_failure=tell)
        for model in MODELS
    ]
    done = Outcome(
        tuple(report for outcome in outcomes for report in outcome.reports),
        tuple(failure for outcome in outcomes for failure in outcome.failed),
    )
    if done.failed and not done.reports:
        raise done.failed[0].error
    return done
