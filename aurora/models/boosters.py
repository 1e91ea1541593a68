"""Which booster answers which kind of target.

A booster brings its library, and LightGBM brings scikit-learn and pandas: some 100 MB and a second. They are imported
by whoever first fits or loads one, not by whoever could: Dagster's code location only describes trainings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aurora.models.catalogue import Kind
    from aurora.models.class_booster import ClassBooster
    from aurora.models.regression_booster import RegressionBooster


def booster_of(kind: Kind) -> type[RegressionBooster] | type[ClassBooster]:
    """The booster for this kind of target; the first call imports its library."""
    if kind == "regression":
        from aurora.models.regression_booster import RegressionBooster

        return RegressionBooster
    from aurora.models.class_booster import ClassBooster

    return ClassBooster
