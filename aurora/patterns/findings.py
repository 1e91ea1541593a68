"""What a search yields: the patterns, and what was looked at without finding any."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from aurora.patterns.specification import Kind, Timing


@dataclass(frozen=True)
class Pattern:
    """One thing that was found in one person's days."""

    kind: Kind
    outcome: str
    subject: str
    """The measure of a correlation, the weekday of a weekday effect; `level` for a change of it."""
    estimate: float
    lower: float
    upper: float
    unit: str
    """`rho` for a correlation, else the outcome's own."""
    difference: float | None
    """In the outcome's unit: days with much of the factor against the others; the weekday; since the change."""
    days: int
    effective_n: float
    p_value: float
    q_value: float
    stars: int
    lag_days: int | None = None
    timing: Timing | None = None
    above: float | None = None
    """What counts as much of the factor: its median, in the factor's unit."""
    changed_on_date: date | None = None

    @property
    def direction(self) -> Literal["higher", "lower"]:
        return "higher" if self.estimate > 0 else "lower"


@dataclass(frozen=True)
class Omitted:
    """What was not tested, and why: too few days, too few independent ones, or nearly always the same."""

    kind: Kind
    outcome: str
    subject: str
    reason: Literal["few_days", "few_independent_days", "constant"]
    days: int


@dataclass(frozen=True)
class Found:
    """What a search of one kind came to."""

    patterns: tuple[Pattern, ...] = ()
    tested: int = 0
    omitted: tuple[Omitted, ...] = ()


@dataclass(frozen=True)
class Search:
    """One person's search, patterns best first."""

    first_date: date
    last_date: date
    told_days: int
    patterns: tuple[Pattern, ...]
    tested: dict[str, int] = field(default_factory=dict)
    """Hypotheses tested, by kind: the size of each family."""
    omitted: tuple[Omitted, ...] = ()


def stars(weak_end: float, borders: tuple[float, float]) -> int:
    """One star for being found, one more for each border that the weak end of the interval passes."""
    return 1 + sum(weak_end >= border for border in borders)


def weak_end(lower: float, upper: float) -> float:
    """The end of an interval that is nearer to nothing; 0 when it holds nothing."""
    return 0.0 if lower <= 0 <= upper else min(abs(lower), abs(upper))
