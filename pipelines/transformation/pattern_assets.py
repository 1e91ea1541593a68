"""The weekly search for patterns as Dagster assets, with its schedule and checks."""

# Without postponed annotations: Dagster reads those of an asset as it is defined.
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final, LiteralString

import dagster as dg

from aurora.database import tables
from aurora.patterns.specification import FALSE_DISCOVERY_RATE, MIN_PAIRS, WINDOW_DAYS
from pipelines.hours import FRESH_WEEKLY, WEEKLY, ZONE
from pipelines.partitions import told_week
from pipelines.pools import WAREHOUSE
from pipelines.quality import ERROR, promise
from pipelines.resources import PostgresResource
from pipelines.row_counts import stored_rows
from pipelines.table_metadata import column_schema_of
from pipelines.transformation.pattern_search import SearchReport, search_people

# What is found in everybody's days is for those who read, like the marts; the nouns before have no place for it.
GROUP: Final = "marts"
OWNERS: Final = ("team:data-engineering",)
SEARCHES: Final = dg.AssetKey(["insights", "pattern_searches"])
PATTERNS: Final = dg.AssetKey(["insights", "patterns"])
_READ: Final = [
    dg.AssetKey(["intermediate", "int_tiles"]),
    dg.AssetKey(["intermediate", "int_ratings_and_nights"]),
]


@dg.multi_asset(
    name="search_for_patterns",
    specs=[
        dg.AssetSpec(
            SEARCHES,
            group_name=GROUP,
            owners=list(OWNERS),
            kinds={"postgres", "python"},
            deps=_READ,
            description=(
                f"What each weekly search looked at in {WINDOW_DAYS} local days, how much it tested, and what it"
                " left out for too few days. One row per person and week."
            ),
            metadata=column_schema_of(tables.pattern_searches),
            freshness_policy=FRESH_WEEKLY,
        ),
        dg.AssetSpec(
            PATTERNS,
            group_name=GROUP,
            owners=list(OWNERS),
            kinds={"postgres", "python"},
            deps=_READ,
            description=(
                "Lagged correlations, weekday effects and changes of level of energy, mood and sleep, with their"
                " false discovery rate and a ready sentence. One row per person, week and pattern."
            ),
            metadata=column_schema_of(tables.patterns),
            freshness_policy=FRESH_WEEKLY,
        ),
    ],
    partitions_def=told_week,
    backfill_policy=dg.BackfillPolicy.single_run(),
    retry_policy=dg.RetryPolicy(max_retries=2, delay=30, backoff=dg.Backoff.EXPONENTIAL),
    op_tags={"dagster/max_runtime": "7200"},
    pool=WAREHOUSE,
)
def search_for_patterns(
    context: dg.AssetExecutionContext, postgres: PostgresResource
) -> Iterator[dg.MaterializeResult]:
    """Search the days of everybody, week by week. A re-run of a week replaces what was found in it."""
    reports: list[SearchReport] = []
    with postgres.connect(autocommit=True) as connection:
        for key in context.partition_keys:
            report = search_people(connection, date.fromisoformat(key) + timedelta(days=6))
            context.log.info(
                "week to %s: %d people, %d with patterns",
                report.week_ended_date,
                report.people,
                report.with_patterns,
            )
            reports.append(report)
        searches, patterns = (
            stored_rows(connection, "insights", table) for table in ("pattern_searches", "patterns")
        )
    outcome = _table(reports)
    yield dg.MaterializeResult(
        asset_key=SEARCHES,
        metadata={
            "dagster/row_count": searches,
            "people": sum(report.people for report in reports),
            "silent people": sum(report.silent for report in reports),
            "people with too little to test": sum(report.without_tests for report in reports),
            "hypotheses tested": sum(sum(report.tested.values()) for report in reports),
            "outcome": outcome,
        },
    )
    yield dg.MaterializeResult(
        asset_key=PATTERNS,
        metadata={
            "dagster/row_count": patterns,
            "found": sum(sum(report.patterns.values()) for report in reports),
            "outcome": outcome,
        },
    )


def _table(reports: list[SearchReport]) -> dg.MarkdownMetadataValue:
    lines = [
        "| week ended | people | with patterns | kind | tested | found |",
        "|---|--:|--:|---|--:|--:|",
        *(
            f"| {report.week_ended_date} | {report.people:,} | {report.with_patterns:,} | {kind}"
            f" | {tested:,} | {report.patterns.get(kind, 0):,} |"
            for report in reports
            for kind, tested in report.tested.items()
        ),
    ]
    return dg.MetadataValue.md("\n".join(lines))


@dg.asset_check(
    asset=PATTERNS,
    metadata=promise(ERROR, "Run the week again: a search replaces what was found in it."),
)
def every_pattern_is_within_its_limits(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Each has enough days, a false discovery rate within the limit, and an interval around its estimate."""
    return _there_are_none(
        postgres,
        "select count(*) from insights.patterns"
        " where days < %s or q_value > %s or not estimate between lower and upper or effective_n > days + 1e-9",
        (MIN_PAIRS, FALSE_DISCOVERY_RATE),
    )


@dg.asset_check(
    asset=SEARCHES,
    metadata=promise(ERROR, "Run the week again: a search replaces what was found in it."),
)
def every_search_has_the_patterns_it_counts(postgres: PostgresResource) -> dg.AssetCheckResult:
    """A search that was cut off would have fewer."""
    return _there_are_none(
        postgres,
        "select count(*) from insights.pattern_searches as searches where patterns <> ("
        " select count(*) from insights.patterns as patterns"
        " where patterns.user_id = searches.user_id and patterns.week_ended_date = searches.week_ended_date)",
    )


def _there_are_none(
    postgres: PostgresResource, count_wrong: LiteralString, values: tuple[Any, ...] = ()
) -> dg.AssetCheckResult:
    with postgres.connect() as connection:
        row = connection.execute(count_wrong, values).fetchone()
    wrong = row[0] if row else 0
    return dg.AssetCheckResult(passed=wrong == 0, metadata={"wrong": wrong})


find_patterns = dg.define_asset_job(
    "find_patterns",
    selection=dg.AssetSelection.assets(SEARCHES, PATTERNS),
    description="Search everybody's last 180 days for patterns; the week that ended on Sunday.",
    executor_def=dg.in_process_executor,
    tags={"dagster/max_runtime": "7200"},
)


@dg.schedule(
    job=find_patterns,
    cron_schedule=WEEKLY,
    execution_timezone=ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def find_patterns_on_tuesdays_at_0400_utc(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """The search of the week that ended on the Sunday before."""
    monday = context.scheduled_execution_time.date() - timedelta(days=8)
    return dg.RunRequest(run_key=monday.isoformat(), partition_key=monday.isoformat())


PATTERN_ASSETS: Final = [search_for_patterns]
PATTERN_CHECKS: Final = [every_pattern_is_within_its_limits, every_search_has_the_patterns_it_counts]
PATTERN_JOBS: Final = [find_patterns]
PATTERN_SCHEDULES: Final = [find_patterns_on_tuesdays_at_0400_utc]
