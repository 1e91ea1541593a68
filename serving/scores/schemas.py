"""Shapes of scores on the API."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class FactorRead(BaseModel):
    """One part of a score: what was measured, what is aimed at, and how many points it brings."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field(examples=["duration"])
    value: float | None = Field(default=None, examples=[424])
    unit: str | None = Field(default=None, examples=["min"])
    goal: Any = Field(default=None, examples=["420–540"])
    contribution: float | None = Field(default=None, examples=[40])


class ScoreRead(BaseModel):
    """One score of one local day. Missing is never zero: `coverage` says how much of it could be known."""

    name: str = Field(examples=["sleep"])
    local_date: date = Field(examples=["2026-03-29"])
    score: float | None = Field(examples=[87.5], description="0 to 100")
    score_state: Literal["SCORED", "CALIBRATING", "UNSCORABLE"]
    coverage: float | None = Field(default=None, examples=[0.8])
    factors: list[FactorRead] = []
    version: int | str | None = Field(default=None, examples=[1])
    as_of: datetime | None = None
    tz: str | None = Field(default=None, examples=["Europe/Oslo"])
