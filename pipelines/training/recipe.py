"""What training brings to every recipe, and the fingerprint by which the gate tells a refit from a new recipe.

A recipe is more than its entry in the catalogue: what its features mean, what is tried to make its choices, how its
intervals are made. All of that is in the fingerprint. Versions of the libraries are not: whether a refit by a newer one
is as good is just what the gate asks of a refit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from aurora.models import headstart, intervals, ordinal, regression_booster
from aurora.models.catalogue import ModelSpec
from pipelines.training import choosing

METHOD_VERSION: Final = 1
"""Raise it when code of a training changes what it makes of the same rows. Constants below speak for themselves."""

HALVES: Final = 6
"""How many models of half of the people say how much of a what-if is chance. They cost as much as three more."""

FEWEST_PEOPLE: Final = 6
"""Halves of fewer people say nothing."""

METHOD: Final[Mapping[str, Mapping[str, Any]]] = {
    "recipe": {"METHOD_VERSION": METHOD_VERSION, "HALVES": HALVES, "FEWEST_PEOPLE": FEWEST_PEOPLE},
    "choosing": {
        "STARTS": [asdict(start) for start in choosing.STARTS],
        "OFFSET_PENALTIES": choosing.OFFSET_PENALTIES,
        "MANY_ROWS": choosing.MANY_ROWS,
        "QUICK_STEP": choosing.QUICK_STEP,
        "QUICK_ROUNDS": choosing.QUICK_ROUNDS,
        "THINNED": choosing.THINNED,
        "JUDGED_SHARE": choosing.JUDGED_SHARE,
        "FEW_ROUNDS": choosing.FEW_ROUNDS,
    },
    "headstart": {
        "PENALTY": headstart.PENALTY,
        "FARTHEST": headstart.FARTHEST,
        "MOST_STEPS": headstart.MOST_STEPS,
        "CONVERGED": headstart.CONVERGED,
    },
    "intervals": {
        "COVERAGE": intervals.COVERAGE,
        "LEAST_GROUP": intervals.LEAST_GROUP,
        "STEP": intervals.STEP,
        "LEVELS": intervals.LEVELS,
    },
    "ordinal": {"LEAST_CURVATURE": ordinal.LEAST_CURVATURE},
    "regression_booster": {"BINNED_FROM": regression_booster.BINNED_FROM},
}
"""The constants of these modules, by module and name: a changed value is a new recipe."""


def fingerprint_of(spec: ModelSpec) -> str:
    """The fingerprint of a recipe as it is trained here and now."""
    return spec.fingerprint(METHOD)
