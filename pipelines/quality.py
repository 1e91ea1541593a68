"""What a check says of itself beside its sentence: how bad it is when it is red, and what to do then.

Dagster shows both with the check, and docs/data-quality.md is written from them.
"""

from __future__ import annotations

from typing import Final

import dagster as dg

ERROR: Final = dg.AssetCheckSeverity.ERROR
WARN: Final = dg.AssetCheckSeverity.WARN
SEVERITY: Final = "severity"
WHEN_RED: Final = "when red"


def promise(severity: dg.AssetCheckSeverity, when_red: str) -> dict[str, str]:
    """The metadata of a check's definition."""
    return {SEVERITY: severity.value, WHEN_RED: when_red}
