"""What runs by the clock: the daily job and the housekeeping."""

# Without postponed annotations: Dagster reads those of an op as it is defined.
from typing import Final

import dagster as dg

from aurora import clock
from aurora.database.partitions import ensure_partitions, months_ahead
from pipelines.hours import DAILY, HOUSEKEEPING, ZONE
from pipelines.ingestion.data_docs import forget_old_docs
from pipelines.prediction.shadow import forget_old_shadows
from pipelines.resources import PostgresResource, SettingsResource
from pipelines.transformation.builds import purge_touched_days

_NIGHTLY_LIMIT: Final = {"dagster/max_runtime": "7200"}

run_daily = dg.define_asset_job(
    "run_daily",
    # The archive has a job of its own: the daily one needs no month that is older than two years. So has the
    # search for patterns, which is weekly; the views over what it found are the daily job's.
    selection=dg.AssetSelection.all()
    - dg.AssetSelection.assets(
        ["raw", "event_archives"], ["insights", "pattern_searches"], ["insights", "patterns"]
    ),
    description="Ingest what has landed, build features and scores, train and judge, predict for everybody.",
    executor_def=dg.in_process_executor,
    tags=_NIGHTLY_LIMIT,
)


@dg.op
def keep_partitions_ahead(
    context: dg.OpExecutionContext, settings: SettingsResource, postgres: PostgresResource
) -> None:
    """Create the coming months of the log; forget touched days that a good build has seen, old shadows and docs."""
    with postgres.connect(autocommit=True) as connection:
        made = ensure_partitions(connection, months_ahead(clock.now().date()))
        purged = purge_touched_days(connection)
        shadows = forget_old_shadows(connection, clock.now())
    docs = forget_old_docs(settings.load().data_dir, clock.now())
    context.log.info(
        "made %d partitions, forgot %d touched days, %d shadows, %d Data Docs",
        len(made),
        purged,
        shadows,
        docs,
    )


@dg.job(description="Partitions ahead of time, touched days behind it.", executor_def=dg.in_process_executor)
def keep_house() -> None:
    keep_partitions_ahead()


@dg.schedule(
    job=run_daily,
    cron_schedule=DAILY,
    execution_timezone=ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def run_daily_at_0200_utc(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """The daily job, for the arrival day that has just ended and what has landed since."""
    day = context.scheduled_execution_time.date().isoformat()
    return dg.RunRequest(run_key=day, partition_key=day)


keep_house_at_0130_utc = dg.ScheduleDefinition(
    name="keep_house_at_0130_utc",
    job=keep_house,
    cron_schedule=HOUSEKEEPING,
    execution_timezone=ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)

SCHEDULES: Final = [run_daily_at_0200_utc, keep_house_at_0130_utc]
JOBS: Final = [run_daily, keep_house]
