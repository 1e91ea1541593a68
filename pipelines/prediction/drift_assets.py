"""The asset of drift: how far what the champions are asked and answer lies from what they were trained on."""

# Without postponed annotations: Dagster reads those of an asset as it is defined.
import math
from collections.abc import Sequence
from typing import Any, Final

import dagster as dg
import psycopg

from aurora.database import tables
from aurora.models.drift import FALSE_DISCOVERY_RATE, FEWEST_PEOPLE, ColumnDrift
from aurora.models.reference import PREDICTION
from pipelines.pictures import two_histograms
from pipelines.pools import PREDICTION as PREDICTION_POOL
from pipelines.prediction.assets import GROUP, OWNERS, PREDICTIONS
from pipelines.prediction.drift import FEWEST_DAYS, WINDOW_DAYS, DriftReport, measure_model, read_newest
from pipelines.prediction.drift_metrics import publish_drift
from pipelines.prediction.each_champion import each_champion
from pipelines.quality import ERROR, of_every_cohort, promise
from pipelines.resources import PostgresResource, ReplayResource, SettingsResource
from pipelines.row_counts import stored_rows
from pipelines.table_metadata import column_schema_of

DRIFT: Final = dg.AssetKey(["predictions", "drift"])
SHOWN: Final = 10

_OF_EVERY_COHORT: Final = dg.AssetCheckSpec(
    name="drift_of_every_cohort_was_measured",
    asset=DRIFT,
    metadata=promise(
        ERROR,
        "The step's log has the error. The other two checks say nothing new of that cohort until it is mended and "
        "this asset is materialized again.",
    ),
    description="Measuring the drift of no champion ended in an error. A model that nobody trained yet has none.",
)


@dg.asset(
    key=DRIFT,
    group_name=GROUP,
    owners=list(OWNERS),
    kinds={"postgres", "python"},
    deps=[PREDICTIONS],
    retry_policy=dg.RetryPolicy(max_retries=3, delay=10, backoff=dg.Backoff.EXPONENTIAL),
    op_tags={"dagster/max_runtime": "1800"},
    pool=PREDICTION_POOL,
    metadata=column_schema_of(tables.drift),
    check_specs=[_OF_EVERY_COHORT],
    description=(
        f"How far what each champion was asked and answered in the last {WINDOW_DAYS} days lies from what it was "
        f"trained on, with a false discovery rate of {FALSE_DISCOVERY_RATE:.0%}; from {FEWEST_PEOPLE} people on, "
        f"features from {FEWEST_DAYS} days on. "
        "One row per cohort, model version, day and column."
    ),
)
def measure_drift_of_champions(
    context: dg.AssetExecutionContext,
    settings: SettingsResource,
    postgres: PostgresResource,
    replay: ReplayResource,
) -> dg.MaterializeResult:
    """Measure each champion. A re-run of a day replaces its rows."""

    def measure(connection: psycopg.Connection[Any], model: str, cohort: str) -> DriftReport:
        report = measure_model(connection, model, cohort, until=replay.now)
        if report.problem:
            context.log.info("%s: %s", report.registered_name, report.problem)
        return report

    done = each_champion("measuring drift of", measure, context=context, postgres=postgres, replay=replay)
    reports = done.reports
    with postgres.connect() as connection:
        rows = stored_rows(connection, "predictions", "drift")
    if replay.until is None:
        # What a cohort looked like long ago is no news.
        publish_drift([_gauges(report) for report in reports if report.version], settings.load().data_dir)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": rows,
            "written": sum(report.written for report in reports),
            "moved": sum(len(report.moved) for report in reports),
            "outcome": _outcome(reports),
            "columns that lie farthest": _farthest(reports),
            **{
                f"{report.registered_name}: {report.measured[0].column}": _picture(report, report.measured[0])
                for report in reports
                if report.measured
            },
        },
        check_results=[of_every_cohort(_OF_EVERY_COHORT, done)],
    )


def _gauges(report: DriftReport) -> tuple[str, float, int]:
    largest = report.measured[0].psi if report.measured else None
    return report.registered_name, math.nan if largest is None else largest, len(report.moved)


def _outcome(reports: Sequence[DriftReport]) -> dg.MarkdownMetadataValue:
    lines = [
        "| model | version | columns | moved | with too few rows, people or days | answers left out | why nothing |",
        "|---|---|--:|---|--:|--:|---|",
        *(
            f"| {report.registered_name} | {report.version or '–'} | {len(report.columns)}"
            f" | {', '.join(column.column for column in report.moved) or '–'}"
            f" | {len(report.not_judged)} | {_left_out(report)} | {report.problem or '–'} |"
            for report in reports
        ),
    ]
    return dg.MetadataValue.md("\n".join(lines))


def _left_out(report: DriftReport) -> str:
    """Answers that nothing can be said of: at these hours nobody of the training rows was asked."""
    answers = next((column for column in report.columns if column.column == PREDICTION), None)
    return (
        "–" if answers is None else f"{answers.left_out_rows:,} of {answers.rows + answers.left_out_rows:,}"
    )


def _farthest(reports: Sequence[DriftReport]) -> dg.MarkdownMetadataValue:
    lines = [
        "| model | column | state | PSI | PSI by chance | KS | q | missing | missing in training | rows | people |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
        *(
            f"| {report.registered_name} | {column.column} | {column.state} | {_told(column.psi)}"
            f" | {_told(column.psi_by_chance)} | {_told(column.ks)} | {_told(column.q_value)}"
            f" | {column.missing_share:.1%} | {column.reference_missing_share:.1%}"
            f" | {column.rows:,} | {column.people:,} |"
            for report in reports
            for column in report.measured[:SHOWN]
        ),
    ]
    return dg.MetadataValue.md("\n".join(lines))


def _told(number: float | None) -> str:
    return "–" if number is None else f"{number:.3f}"


def _picture(report: DriftReport, column: ColumnDrift) -> dg.MarkdownMetadataValue:
    # Shares of many people: an erasure need not reach them.
    return two_histograms(
        {"trained on": column.reference_shares, "served": column.shares},
        [*(str(place + 1) for place in range(len(column.shares) - 1)), "missing"],
        f"{report.registered_name}, version {report.version}: {column.column} by bins of the training rows",
    )


def _check(postgres: PostgresResource, *, of_predictions: bool) -> dg.AssetCheckResult:
    with postgres.connect() as connection:
        columns = [
            row for row in read_newest(connection) if (row["column_name"] == PREDICTION) is of_predictions
        ]
    moved = [row for row in columns if row["state"] == "moved"]
    lines = ["| cohort | model | version | column | PSI | q |", "|---|---|---|---|--:|--:|"]
    lines += [
        f"| {row['cohort']} | {row['model_name']} | {row['model_version']} | {row['column_name']}"
        f" | {row['psi']:.3f} | {row['q_value']:.4f} |"
        for row in moved
    ]
    return dg.AssetCheckResult(
        passed=not moved,
        severity=ERROR,
        metadata={
            "moved": len(moved),
            "columns": len(columns),
            "with too few rows, people or days": sum(row["state"] == "not_enough" for row in columns),
            "day": max((row["measured_date"].isoformat() for row in columns), default="none"),
            "which": dg.MetadataValue.md("\n".join(lines)),
        },
    )


@dg.asset_check(
    asset=DRIFT,
    metadata=promise(
        ERROR,
        "Look at the column on the asset's page: more missing is mostly a source that fell silent, another shape a "
        "changed mapping, season or kind of people. docs/models.md says how to go on.",
    ),
)
def served_features_look_like_training(postgres: PostgresResource) -> dg.AssetCheckResult:
    """On the newest day, no feature of a champion had moved from what it was trained on."""
    return _check(postgres, of_predictions=False)


@dg.asset_check(
    asset=DRIFT,
    metadata=promise(
        ERROR,
        "Have its features moved too? Then people live otherwise, and the next training learns it. If not: "
        "`aurora evaluate energy`, and `aurora rollback energy` if it answers worse than its baseline.",
    ),
)
def predictions_look_like_training(postgres: PostgresResource) -> dg.AssetCheckResult:
    """On the newest day, no champion's answers had moved from those to its training rows."""
    return _check(postgres, of_predictions=True)


DRIFT_ASSETS: Final = [measure_drift_of_champions]
DRIFT_CHECKS: Final = [served_features_look_like_training, predictions_look_like_training]
