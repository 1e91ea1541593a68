"""The assets of ingestion: staged rows, and the log with what is written beside it.

Partitions are arrival days. A run of today's (or of yesterday's, just after midnight) takes what lies in the
landing folder; a run of an earlier day has nothing left to do and reports what that day brought. Running
anything again changes nothing.
"""

# Without postponed annotations: Dagster reads those of an asset as it is defined.
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any, Final

import dagster as dg

from aurora import clock
from aurora.database import tables
from pipelines.ingestion.data_docs import docs_of_held_back
from pipelines.ingestion.errors import ImportRunningError, IngestionError
from pipelines.ingestion.importer import ImportRequest, import_file, staged_import
from pipelines.ingestion.landing import DONE, FAILED, LandedFile, landed_files, put_away
from pipelines.ingestion.summary import ImportSummary
from pipelines.partitions import arrival_day
from pipelines.resources import PostgresResource, SettingsResource
from pipelines.row_counts import stored_rows
from pipelines.table_metadata import column_schema_of, count_of_days, markdown_of

GROUP: Final = "events"
OWNERS: Final = ("team:data-engineering",)
# A service that restarts is back within a minute.
RETRIES: Final = dg.RetryPolicy(max_retries=3, delay=10, backoff=dg.Backoff.EXPONENTIAL)
MAX_RUNTIME: Final = {"dagster/max_runtime": "3600"}

IMPORT_ROWS: Final = dg.AssetKey(["raw", "import_rows"])
EVENTS: Final = dg.AssetKey(["raw", "events"])

_Work = Callable[[ImportRequest], ImportSummary]


@dg.asset(
    key=IMPORT_ROWS,
    group_name=GROUP,
    owners=list(OWNERS),
    kinds={"postgres", "polars", "greatexpectations"},
    partitions_def=arrival_day,
    backfill_policy=dg.BackfillPolicy.single_run(),
    retry_policy=RETRIES,
    op_tags=MAX_RUNTIME,
    metadata=column_schema_of(tables.import_rows),
)
def import_rows(
    context: dg.AssetExecutionContext, settings: SettingsResource, postgres: PostgresResource
) -> dg.MaterializeResult:
    """Rows of landed files as they came, judged by Great Expectations. One row per row of a file."""

    def stage(request: ImportRequest) -> ImportSummary:
        with staged_import(request, postgres_url=postgres.url, data_key=key, docs=docs) as staged:
            return staged.summary

    loaded = settings.load()
    docs = docs_of_held_back(loaded.data_dir)
    key = loaded.need("data_key")
    summaries = list(_each_landed(context, loaded.landing_dir, stage, put_away_done=False))
    with postgres.connect() as connection:
        count = count_of_days(connection, "raw.import_rows", "arrival_date", context.partition_keys)
    return dg.MaterializeResult(
        metadata={
            "dagster/partition_row_count": count,
            "files": markdown_of(summaries),
            **_data_docs(summaries),
        }
    )


def _data_docs(summaries: Iterable[ImportSummary]) -> dict[str, Any]:
    """Where to see which rows of a held-back file break which rule; a path opens in a browser."""
    pages = {summary.file_name: summary.data_docs for summary in summaries if summary.data_docs is not None}
    return {f"data docs of {name}": dg.MetadataValue.path(str(page)) for name, page in pages.items()}


def _spec(table: Any, description: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=[table.schema, table.name],
        group_name=GROUP,
        owners=list(OWNERS),
        kinds={"postgres"},
        description=description,
        deps=[IMPORT_ROWS],
        partitions_def=arrival_day,
        metadata=column_schema_of(table),
    )


@dg.multi_asset(
    name="store_events",
    specs=[
        _spec(tables.events, "The log of life events. One row per version of an event; append-only."),
        _spec(tables.rejected_events, "Dead letters. One row per item that could not be accepted."),
        _spec(tables.user_days, "Local days with their UTC borders. One row per user per local day."),
        _spec(tables.touched_days, "What has to be built anew. One row per user, local day and transaction."),
        _spec(tables.event_keys, "Uniqueness across the log's partitions. One row per version of an event."),
        _spec(tables.import_batches, "What became of files. One row per imported file, mapping and cohort."),
    ],
    backfill_policy=dg.BackfillPolicy.single_run(),
    retry_policy=RETRIES,
    op_tags=MAX_RUNTIME,
)
def store_events(
    context: dg.AssetExecutionContext, settings: SettingsResource, postgres: PostgresResource
) -> Iterator[dg.MaterializeResult]:
    """The staged rows of landed files become events, or dead letters with their reason."""
    loaded = settings.load()
    key = loaded.need("data_key")

    def store(request: ImportRequest) -> ImportSummary:
        return import_file(request, postgres_url=postgres.url, data_key=key)

    summaries = list(_each_landed(context, loaded.landing_dir, store, put_away_done=True))
    days = context.partition_keys
    with postgres.connect() as connection:
        counts: dict[str, dict[str, Any]] = {
            "events": {
                "dagster/partition_row_count": count_of_days(connection, "raw.events", "received_at", days),
                "files": markdown_of(summaries),
            },
            "rejected_events": {
                "dagster/partition_row_count": count_of_days(
                    connection, "raw.rejected_events", "received_at", days
                )
            },
        }
        for table in ("user_days", "touched_days", "event_keys", "import_batches"):
            counts[table] = {"dagster/row_count": stored_rows(connection, "raw", table)}
    for table, metadata in counts.items():
        yield dg.MaterializeResult(asset_key=["raw", table], metadata=metadata)


def _each_landed(
    context: dg.AssetExecutionContext, landing_dir: Any, work: _Work, *, put_away_done: bool
) -> Iterator[ImportSummary]:
    """Do the work on every landed file. A file that cannot be imported goes to `failed`, the others go on."""
    if not _is_now(context.partition_keys):
        context.log.info("an earlier arrival day: the landing folder is today's")
        return
    for file in landed_files(landing_dir):
        try:
            summary = work(file.request())
        except ImportRunningError as error:
            context.log.info("%s: left to the process that is at it", error)
            continue
        except IngestionError as error:
            _fail(context, file, str(error))
            continue
        if summary.held_back_because is not None:
            docs = f"\nData Docs: {summary.data_docs}" if summary.data_docs is not None else ""
            _fail(context, file, f"held back: {summary.held_back_because}{docs}")
        elif put_away_done:
            put_away(file, DONE, at=clock.now())
        yield summary


def _fail(context: dg.AssetExecutionContext, file: LandedFile, reason: str) -> None:
    if not file.path.exists():
        return
    place = put_away(file, FAILED, at=clock.now(), reason=reason)
    context.log.warning("%s could not be imported, see %s.reason.txt", file.place, place)


def _is_now(days: Any) -> bool:
    """A run that was begun before midnight may come here after it."""
    yesterday = (clock.now() - timedelta(days=1)).date()
    return max(days) >= yesterday.isoformat()


INGESTION_ASSETS: Final = [import_rows, store_events]
