"""Shapes of patterns on the API."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from aurora.patterns.specification import Kind, Timing
from serving.pagination import Page


class PatternRead(BaseModel):
    """Something that goes along with your energy, mood or sleep. It says that they go together, never why."""

    sentence: str = Field(
        examples=[
            "On days after more stress (above 4.5 points) your mood tends to be worse (weak link, 166 days; a link, …)."
        ]
    )
    stars: int = Field(
        ge=1, le=3, examples=[2], description="How far the weak end of the interval is from nothing"
    )
    kind: Kind = Field(examples=["lagged_correlation"])
    outcome: str = Field(examples=["energy"], description="`energy`, `mood` or `sleep`")
    subject: str = Field(
        examples=["main_sleep_minutes"],
        description="The measure of a correlation, the weekday of a weekday effect, `level` for a change of it",
    )
    timing: Timing | None = Field(
        examples=["before"],
        description="`before`: the factor was over when the outcome came; `same_day`: which came first is not known",
    )
    lag_days: int | None = Field(examples=[0], description="Local days from the factor to the outcome")
    changed_on_date: date | None = Field(examples=[None], description="First local day of the new level")
    direction: Literal["higher", "lower"] = Field(examples=["higher"])
    estimate: float = Field(examples=[0.49], description="Rank correlation, or difference in `unit`")
    lower: float = Field(examples=[0.21], description="At most one in ten of your intervals misses")
    upper: float = Field(examples=[0.69])
    unit: str = Field(examples=["rho"])
    difference: float | None = Field(
        examples=[0.6], description="In the outcome's unit: days with much of the factor against the others"
    )
    above: float | None = Field(examples=[431.0], description="What counts as much: the factor's median")
    days: int = Field(examples=[166])
    effective_n: float = Field(examples=[142.7], description="How many independent days these are worth")
    q_value: float = Field(examples=[0.004], description="False discovery rate, at most 0.1")
    week_ended_date: date = Field(examples=["2026-11-22"])
    place: int = Field(examples=[1], description="Rank within its week, best first")


class OmittedRead(BaseModel):
    """What was not tested, and why."""

    kind: Kind = Field(examples=["lagged_correlation"])
    outcome: str = Field(examples=["sleep"])
    subject: str = Field(examples=["alcohol"])
    reason: Literal["few_days", "few_independent_days", "constant"] = Field(examples=["few_days"])
    days: int = Field(examples=[12])


class SearchRead(BaseModel):
    """What a week's search looked at. Without patterns, it says whether anything could be tested at all."""

    week_ended_date: date = Field(examples=["2026-11-22"])
    first_date: date = Field(examples=["2026-05-27"], description="First local day that was read")
    told_days: int = Field(examples=[171], description="Days of these on which you told anything")
    tested: dict[str, int] = Field(
        examples=[{"lagged_correlation": 127, "weekday_effect": 21, "change_point": 3}]
    )
    omitted: list[OmittedRead]
    searched_at: datetime = Field(examples=["2026-11-24T04:00:09Z"])


class PatternPage(Page[PatternRead]):
    """One page of patterns, best first, and the search that found them; null before the first one."""

    search: SearchRead | None
