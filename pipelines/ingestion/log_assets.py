"""What Dagster does with the log as a whole: the archive, and local days when the zone data change."""

# Without postponed annotations: Dagster reads those of an asset as it is defined.
from datetime import timedelta
from typing import Final

import dagster as dg

from aurora import clock
from aurora.database import tables
from aurora.database.zone_data import computed_with
from pipelines.hours import ARCHIVE, FRESH_ARCHIVE, NEW_ZONE_DATA, ZONE
from pipelines.ingestion.archive import archive_months
from pipelines.ingestion.archive_manifests import find_damage, read_manifests
from pipelines.ingestion.assets import EVENTS, GROUP, MAX_RUNTIME, OWNERS
from pipelines.ingestion.local_days import follow_zone_data
from pipelines.pools import WAREHOUSE
from pipelines.quality import ERROR, WARN, promise
from pipelines.resources import PostgresResource, SettingsResource
from pipelines.table_metadata import column_schema_of

EVENT_ARCHIVES: Final = dg.AssetKey(["raw", "event_archives"])


@dg.asset(
    key=EVENT_ARCHIVES,
    group_name=GROUP,
    owners=list(OWNERS),
    kinds={"postgres", "parquet"},
    deps=[EVENTS],
    op_tags=MAX_RUNTIME,
    pool=WAREHOUSE,
    freshness_policy=FRESH_ARCHIVE,
    metadata=column_schema_of(tables.event_archives),
)
def event_archives(
    context: dg.AssetExecutionContext, settings: SettingsResource, postgres: PostgresResource
) -> dg.MaterializeResult:
    """Months of the log first stored long ago, as Parquet. One row per file of a month."""
    loaded = settings.load()
    with postgres.connect(autocommit=True) as connection:
        report = archive_months(
            connection,
            loaded.archive_dir,
            now=clock.now(),
            after=timedelta(days=loaded.archive_after_days),
            on_month=lambda month, what: context.log.info("%s: %s", month, what),
        )
        manifests = read_manifests(connection)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(manifests),
            "archived": [f"{month:%Y-%m}" for month in report.archived],
            "postponed": [f"{month:%Y-%m}" for month in report.postponed],
            "events": report.rows,
            "bytes": report.bytes,
        }
    )


@dg.asset_check(
    asset=EVENT_ARCHIVES,
    metadata=promise(ERROR, "Put the file back from a backup: docs/events.md, the archive."),
)
def archived_files_are_whole(settings: SettingsResource, postgres: PostgresResource) -> dg.AssetCheckResult:
    """Every file of the archive is there and has the SHA-256 that it was written with."""
    with postgres.connect() as connection:
        damage = find_damage(connection, settings.load().archive_dir)
    return dg.AssetCheckResult(passed=not damage, metadata={"damaged": dict(damage)})


@dg.asset_check(
    asset=EVENTS,
    metadata=promise(
        WARN, "Nothing: recompute_local_days follows at 01:15 UTC. By hand: `aurora recompute-local-days`."
    ),
)
def local_days_agree_with_the_zone_data(postgres: PostgresResource) -> dg.AssetCheckResult:
    """The local days of the whole log were computed with the zone data that are installed now."""
    with postgres.connect() as connection:
        before = computed_with(connection)
    return dg.AssetCheckResult(
        passed=before == clock.data_version(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"computed_with": before or "unknown", "installed": clock.data_version()},
    )


@dg.op
def follow_new_zone_data(
    context: dg.OpExecutionContext, settings: SettingsResource, postgres: PostgresResource
) -> None:
    """Give a new version to every event whose local day or clock time is another by the installed zone data."""
    with postgres.connect(autocommit=True) as connection:
        found = follow_zone_data(
            connection,
            settings.load().archive_dir,
            on_people=lambda done, total: context.log.info("%d of %d people", done, total),
        )
    if found.log.was_current:
        context.log.info("the log agrees with %s", found.log.version)
    else:
        context.log.info(
            "%s → %s: %d events, %d moved, %d shifted",
            found.log.before,
            found.log.version,
            found.log.seen,
            found.log.moved,
            found.log.shifted,
        )


@dg.job(
    description="Local days after new zone data; nothing while the log agrees with them.",
    executor_def=dg.in_process_executor,
)
def recompute_local_days() -> None:
    follow_new_zone_data()


archive_old_months = dg.define_asset_job(
    "archive_old_months",
    selection=dg.AssetSelection.assets(EVENT_ARCHIVES),
    description="Months of the log first stored more than two years ago, into Parquet.",
    executor_def=dg.in_process_executor,
    tags=MAX_RUNTIME,
)

LOG_ASSETS: Final = [event_archives]
LOG_CHECKS: Final = [archived_files_are_whole, local_days_agree_with_the_zone_data]
LOG_JOBS: Final = [archive_old_months, recompute_local_days]
LOG_SCHEDULES: Final = [
    dg.ScheduleDefinition(
        name="recompute_local_days_at_0115_utc",
        job=recompute_local_days,
        cron_schedule=NEW_ZONE_DATA,
        execution_timezone=ZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    ),
    # After the daily job: what its build brought back goes again.
    dg.ScheduleDefinition(
        name="archive_old_months_at_0500_utc",
        job=archive_old_months,
        cron_schedule=ARCHIVE,
        execution_timezone=ZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    ),
]
