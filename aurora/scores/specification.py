"""What a score is made of: inputs of one person's local day, factors that earn points, and when it counts.

A score is data. `scoring.py` reads it in Python, `sql.py` as SQL; neither knows any score by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from aurora.errors import CatalogueConflictError
from aurora.features.expressions import Constant, Expression
from aurora.features.windows import DayTile, Window

TOTAL_WEIGHT: Final = 100

WHOLLY: Final = Constant(1.0)


@dataclass(frozen=True)
class NightColumn:
    """A column of the person's night that ended on this local day; null without a night."""

    name: str
    earlier_days: int = 0
    """How many local days before it the column is made of as well."""


@dataclass(frozen=True)
class NightsWindow:
    """Over the nights that ended on the last `days` local days, this one included: the mean of a column, or on
    how many nights it is known. The column may compare a night with the one before.
    """

    column: str
    aggregate: Literal["mean", "count"]
    days: int


@dataclass(frozen=True)
class DayRank:
    """Where the day's total of a measure stands among those of the person's own days before: see `ranks.py`."""

    measure: str
    days: int


@dataclass(frozen=True)
class PartScore:
    """Another score of the same person and local day; null unless its state is SCORED."""

    score: str


@dataclass(frozen=True)
class ScoredDays:
    """How many of the last `days` local days, this one included, have at least one SCORED part."""

    days: int


@dataclass(frozen=True)
class ToldDays:
    """On how many of the last `days` local days, this one included, any of these measures was told."""

    measures: tuple[str, ...]
    days: int

    def value_of(self, tiles: Mapping[str, Sequence[DayTile]]) -> float:
        """The count, of tiles by measure; those outside the window are passed over."""
        told = {ago for measure in self.measures for ago, _ in tiles.get(measure, ()) if 0 <= ago < self.days}
        return float(len(told))


InputSource = Window | NightColumn | NightsWindow | DayRank | PartScore | ScoredDays | ToldDays


@dataclass(frozen=True)
class Input:
    """One number about a person's local day that a formula reads, null where it is not known."""

    name: str
    unit: str
    description: str
    source: InputSource

    @classmethod
    def of_window(cls, window: Window, unit: str, description: str) -> Input:
        """A window over tiles that ends with this local day, whole; named like the window's column."""
        return cls(window.column(), unit, description, window)


@dataclass(frozen=True)
class Factor:
    """One part of a score: a value a person understands, its goal, and the points 0–100 that it earns.

    Missing inputs make both null; `weight` is the share of the score in per cent when nothing is missing.
    """

    name: str
    unit: str
    goal: str
    weight: float
    value: Expression
    points: Expression
    known: Expression = WHOLLY
    """How much of what the value is made of is known, 0 to 1. It weighs in the coverage, not in the score."""


@dataclass(frozen=True)
class Calibration:
    """The score is withheld as CALIBRATING while each of the inputs is below `at_least`."""

    inputs: tuple[str, ...]
    at_least: int


@dataclass(frozen=True)
class Citation:
    text: str
    url: str


@dataclass(frozen=True)
class ScoreSpec:
    """One score. Raise `version` when a formula, a weight or a rule changes: histories must not mix."""

    name: str
    version: int
    description: str
    sources: tuple[Citation, ...]
    inputs: tuple[Input, ...]
    factors: tuple[Factor, ...]
    min_factors: int = 1
    """With fewer factors than this the day is UNSCORABLE."""
    needs_one_of: tuple[str, ...] = ()
    """Names of factors at least one of which must be known; none named means that any will do."""
    calibration: Calibration | None = None
    is_relative: bool = False
    """Judged against the person's own days, for want of a public standard: 50 is usual for them, whatever it is."""

    def __post_init__(self) -> None:
        inputs = {entry.name for entry in self.inputs}
        factors = {factor.name for factor in self.factors}
        # Only these names are pasted into SQL.
        for name in (self.name, *inputs, *factors):
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                raise CatalogueConflictError(f"{name!r} in the {self.name} score is not a column's name")
        if len(inputs) != len(self.inputs) or len(factors) != len(self.factors):
            raise CatalogueConflictError(f"the {self.name} score names an input or a factor twice")
        read = {
            leaf.column()
            for factor in self.factors
            for formula in (factor.value, factor.points, factor.known)
            for leaf in formula.leaves()
        }
        if self.calibration is not None:
            read |= set(self.calibration.inputs)
        if read != inputs:
            raise CatalogueConflictError(
                f"the {self.name} score declares and reads different inputs: {sorted(read ^ inputs)}"
            )
        if abs(sum(factor.weight for factor in self.factors) - TOTAL_WEIGHT) > 1e-9:
            raise CatalogueConflictError(f"the weights of the {self.name} score do not sum to {TOTAL_WEIGHT}")
        if not set(self.needs_one_of) <= factors:
            raise CatalogueConflictError(f"the {self.name} score needs a factor that it does not have")
        if not 1 <= self.min_factors <= len(self.factors):
            raise CatalogueConflictError(f"the {self.name} score asks for {self.min_factors} factors")
