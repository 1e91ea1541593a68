"""The asset of batch prediction: an answer for every active person, by the model of their cohort."""

# Without postponed annotations: Dagster reads those of an asset as it is defined.
import asyncio
from collections.abc import Sequence
from typing import Any, Final

import dagster as dg
import psycopg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from aurora.database import tables
from aurora.models.catalogue import MODELS
from aurora.settings import Settings
from pipelines.pools import PREDICTION
from pipelines.prediction.batch import BatchReport, predict_cohort
from pipelines.prediction.each_champion import each_champion
from pipelines.prediction.warming import warm_predictions
from pipelines.quality import ERROR, of_every_cohort, promise
from pipelines.resources import PostgresResource, ReplayResource, SettingsResource
from pipelines.row_counts import stored_rows
from pipelines.table_metadata import column_schema_of
from pipelines.training.assets import model_key

GROUP: Final = "predictions"
OWNERS: Final = ("team:ml-engineering",)
PREDICTIONS: Final = dg.AssetKey(["predictions", "predictions"])

_FOR_EVERY_COHORT: Final = dg.AssetCheckSpec(
    name="every_cohort_was_predicted_for",
    asset=PREDICTIONS,
    metadata=promise(
        ERROR,
        "The step's log has the error. Whoever is in that cohort keeps the answers of the day before. When it is "
        "mended, materialize this asset again.",
    ),
    description="The predictions of no cohort ended in an error. A model that nobody trained yet is none.",
)


@dg.asset(
    key=PREDICTIONS,
    group_name=GROUP,
    owners=list(OWNERS),
    kinds={"postgres", "python"},
    deps=[model_key(name) for name in MODELS],
    retry_policy=dg.RetryPolicy(max_retries=3, delay=10, backoff=dg.Backoff.EXPONENTIAL),
    op_tags={"dagster/max_runtime": "1800"},
    pool=PREDICTION,
    metadata=column_schema_of(tables.predictions),
    check_specs=[_FOR_EVERY_COHORT],
)
def predict_batch(
    context: dg.AssetExecutionContext,
    settings: SettingsResource,
    postgres: PostgresResource,
    replay: ReplayResource,
) -> dg.MaterializeResult:
    """What was predicted, for whom, by which model and why. One row per person, model, version and instant."""
    loaded, now = settings.load(), replay.now

    def predict(connection: psycopg.Connection[Any], model: str, cohort: str) -> BatchReport:
        report = predict_cohort(connection, model, cohort, as_of=now, threads=loaded.threads)
        context.log.info("%s for %s: %d people", model, cohort, report.people)
        if report.shadow.problem:
            context.log.warning("the challenger did not answer: %s", report.shadow.problem)
        return report

    done = each_champion("predicting", predict, context=context, postgres=postgres, replay=replay)
    reports = done.reports
    with postgres.connect(autocommit=True) as connection:
        warmed = 0 if replay.until else _warm(context, connection, loaded, reports)
        rows = stored_rows(connection, "predictions", "predictions")
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": rows,
            "written": sum(report.written for report in reports),
            "shadow_written": sum(report.shadow.written for report in reports),
            "warmed": warmed,
            "failed": len(done.failed),
            "outcome": _table(reports),
        },
        check_results=[of_every_cohort(_FOR_EVERY_COHORT, done)],
    )


def _warm(
    context: dg.AssetExecutionContext,
    connection: psycopg.Connection[Any],
    settings: Settings,
    reports: Sequence[BatchReport],
) -> int:
    """Make anew what Redis keeps for the API; without Redis there is nothing to make."""

    async def warm() -> int:
        async with Redis.from_url(settings.redis_url, socket_connect_timeout=5, socket_timeout=5) as redis:
            warmed = [
                await warm_predictions(
                    connection, redis, report.model, report.cohort, threads=settings.threads
                )
                for report in reports
            ]
        return sum(warmed)

    if not settings.redis_url:
        return 0
    try:
        return asyncio.run(warm())
    except RedisError as error:
        context.log.warning("nothing was warmed, Redis does not answer: %s", error)
        return 0


def _table(reports: Sequence[BatchReport]) -> dg.MarkdownMetadataValue:
    lines = [
        "| cohort | model | version | people | by model | by baseline | by nobody | written | challenger |",
        "|---|---|---|--:|--:|--:|--:|--:|---|",
        *(
            f"| {report.cohort} | {report.model} | {report.version or '–'} | {report.people}"
            f" | {report.by_model} | {report.by_baseline} | {report.by_nobody} | {report.written}"
            f" | {report.shadow.version or report.shadow.problem or '–'} |"
            for report in reports
        ),
    ]
    return dg.MetadataValue.md("\n".join(lines))


# By the index of people, models and when it was made: of eight days, so that a week of failed runs leaves no gap.
_OUTSIDE: Final = """
    select count(*)
    from app.users as users
    cross join lateral (
        select value, lower, upper from predictions.predictions as predictions
        where
            predictions.user_id = users.user_id
            and predictions.model_name = any(%s)
            and predictions.created_at >= now() - interval '8 days'
        offset 0
    ) as recent
    where recent.value < recent.lower - 1e-9 or recent.value > recent.upper + 1e-9
"""


@dg.asset_check(
    asset=PREDICTIONS,
    metadata=promise(
        ERROR,
        "Put the version before back: `aurora rollback energy`; then read the training run of the other.",
    ),
)
def every_prediction_lies_within_its_interval(postgres: PostgresResource) -> dg.AssetCheckResult:
    """No answer of the last eight days lies outside its own interval: that would be a broken interval."""
    with postgres.connect() as connection:
        row = connection.execute(_OUTSIDE, (list(MODELS),)).fetchone()
    outside = row[0] if row else 0
    return dg.AssetCheckResult(passed=outside == 0, metadata={"outside": outside})


PREDICTION_ASSETS: Final = [predict_batch]
PREDICTION_CHECKS: Final = [every_prediction_lies_within_its_interval]
