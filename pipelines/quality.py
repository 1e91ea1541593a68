"""What a check says of itself beside its sentence: how bad it is when it is red, and what to do then.

Dagster shows both with the check, and docs/data-quality.md is written from them.
"""

from __future__ import annotations

from typing import Any, Final

import dagster as dg

from pipelines.each_cohort import Outcome

ERROR: Final = dg.AssetCheckSeverity.ERROR
WARN: Final = dg.AssetCheckSeverity.WARN
SEVERITY: Final = "severity"
WHEN_RED: Final = "when red"


def promise(severity: dg.AssetCheckSeverity, when_red: str) -> dict[str, str]:
    """The metadata of a check's definition."""
    return {SEVERITY: severity.value, WHEN_RED: when_red}


def of_every_cohort(check: dg.AssetCheckSpec, outcome: Outcome[Any]) -> dg.AssetCheckResult:
    """The result of a check that work which is done cohort by cohort failed for none of them."""
    return dg.AssetCheckResult(
        passed=not outcome.failed,
        check_name=check.name,
        severity=ERROR,
        metadata={
            "done": len(outcome.reports),
            "failed": len(outcome.failed),
            "which": dg.MetadataValue.md("\n".join(f"- {failure.sentence}" for failure in outcome.failed)),
        },
    )
