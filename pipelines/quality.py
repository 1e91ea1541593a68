"""What a check says of itself beside its sentence: how bad it is when it is red, and what to do then.

Dagster shows both with the check, and docs/data-quality.md is written from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import dagster as dg

from pipelines.each_cohort import Failure

ERROR: Final = dg.AssetCheckSeverity.ERROR
WARN: Final = dg.AssetCheckSeverity.WARN
SEVERITY: Final = "severity"
WHEN_RED: Final = "when red"


def promise(severity: dg.AssetCheckSeverity, when_red: str) -> dict[str, str]:
    """The metadata of a check's definition."""
    return {SEVERITY: severity.value, WHEN_RED: when_red}


def of_every_cohort(check: dg.AssetCheckSpec, done: int, failed: Sequence[Failure]) -> dg.AssetCheckResult:
    """The result of a check that work which is done cohort by cohort failed for none of them."""
    return dg.AssetCheckResult(
        passed=not failed,
        check_name=check.name,
        severity=ERROR,
        metadata={
            "done": done,
            "failed": len(failed),
            "which": dg.MetadataValue.md("\n".join(f"- {failure.sentence}" for failure in failed)),
        },
    )
