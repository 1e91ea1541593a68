"""When things run, and what happens when they fail."""

# Without postponed annotations: Dagster reads those of an op as it is defined.
from typing import Final

import dagster as dg
import structlog

from aurora import clock
from aurora.database.partitions import ensure_partitions, months_ahead
from pipelines.resources import PostgresResource
from pipelines.transformation.builds import purge_touched_days

log = structlog.get_logger(__name__)

_NIGHTLY_LIMIT: Final = {"dagster/max_runtime": "7200"}

run_daily = dg.define_asset_job(
    "run_daily",
    # The archive has a job of its own: the daily one needs no month that is older than two years.
    selection=dg.AssetSelection.all() - dg.AssetSelection.assets(["raw", "event_archives"]),
    description="Ingest what has landed, build features and scores, train and judge, predict for everybody.",
    executor_def=dg.in_process_executor,
    tags=_NIGHTLY_LIMIT,
)


@dg.op
def keep_partitions_ahead(context: dg.OpExecutionContext, postgres: PostgresResource) -> None:
    """Create the coming months of the log and forget touched days that a good build has seen."""
    with postgres.connect(autocommit=True) as connection:
        made = ensure_partitions(connection, months_ahead(clock.now().date()))
        purged = purge_touched_days(connection)
    context.log.info("made %d partitions, forgot %d touched days", len(made), purged)


@dg.job(description="Partitions ahead of time, touched days behind it.", executor_def=dg.in_process_executor)
def keep_house() -> None:
    keep_partitions_ahead()


@dg.run_failure_sensor(default_status=dg.DefaultSensorStatus.RUNNING)
def log_failure_when_run_fails(context: dg.RunFailureSensorContext) -> None:
    """Write one structured line per failed run, for whoever collects the logs."""
    log.error(
        "run_failed",
        run_id=context.dagster_run.run_id,
        job=context.dagster_run.job_name,
        reason=context.failure_event.message,
    )


@dg.schedule(
    job=run_daily,
    cron_schedule="0 2 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def run_daily_at_0200_utc(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """The daily job, for the arrival day that has just ended and what has landed since."""
    day = context.scheduled_execution_time.date().isoformat()
    return dg.RunRequest(run_key=day, partition_key=day)


keep_house_at_0130_utc = dg.ScheduleDefinition(
    name="keep_house_at_0130_utc",
    job=keep_house,
    cron_schedule="30 1 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)

SCHEDULES: Final = [run_daily_at_0200_utc, keep_house_at_0130_utc]
JOBS: Final = [run_daily, keep_house]
