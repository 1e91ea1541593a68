"""Checks on features that need more than the warehouse: is live state what the warehouse would say?"""

from __future__ import annotations

from typing import Final

import dagster as dg
from redis.exceptions import RedisError

from pipelines.metrics_process import write_metrics
from pipelines.quality import ERROR, promise
from pipelines.resources import PostgresResource, SettingsResource
from pipelines.transformation.parity import ParityReport, compare_live_people

FEATURES: Final = dg.AssetKey(["features", "moment_features"])
SHOWN: Final = 20
PARITY_METRICS: Final = "pipelines.transformation.parity_metrics"


@dg.asset_check(
    asset=FEATURES,
    metadata=promise(
        ERROR,
        "WARN where only Redis is away. Else one of the two engines is wrong: the named features at that instant, "
        "in SQL and in aurora/features, are to be compared before anybody is shown more predictions.",
    ),
)
def live_vectors_equal_the_warehouse(
    settings: SettingsResource, postgres: PostgresResource
) -> dg.AssetCheckResult:
    """For a sample of active people, every feature from Redis equals dbt's at the same instant, to 1e-9."""
    loaded = settings.load()
    if not loaded.redis_url:
        return dg.AssetCheckResult(
            passed=True, metadata={"people compared": 0, "because": "there is no Redis"}
        )
    try:
        report = compare_live_people(postgres.url, loaded.redis_url, data_dir=loaded.data_dir)
    except RedisError as error:
        return dg.AssetCheckResult(
            passed=False,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"people compared": 0, "because": f"Redis does not answer: {type(error).__name__}"},
        )
    write_metrics(PARITY_METRICS, (len(report.mismatches), report.people), loaded.data_dir)
    return dg.AssetCheckResult(
        passed=not report.mismatches,
        metadata={
            "mismatches": len(report.mismatches),
            "people compared": report.people,
            "values compared": report.values,
            "left out, no live tiles": report.without_tiles,
            "left out, touched since the last build": report.touched,
            "as_of": report.as_of.isoformat(),
            "differences": _table(report),
        },
    )


def _table(report: ParityReport) -> dg.MarkdownMetadataValue:
    # Ids and names only: what the numbers are is a person's life.
    lines = ["| user_id | feature |", "|---|---|"]
    lines += [f"| {bad.user_id} | {bad.feature} |" for bad in report.mismatches[:SHOWN]]
    return dg.MetadataValue.md("\n".join(lines))


WAREHOUSE_CHECKS: Final = [live_vectors_equal_the_warehouse]
