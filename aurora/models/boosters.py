"""Which booster answers which kind of target."""

from __future__ import annotations

from aurora.models.class_booster import ClassBooster
from aurora.models.regression_booster import RegressionBooster

BOOSTERS: dict[str, type[RegressionBooster] | type[ClassBooster]] = {
    "regression": RegressionBooster,
    "classes": ClassBooster,
}
