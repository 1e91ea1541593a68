"""Shapes of scores on the API."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class FactorRead(BaseModel):
    """One part of a score: what was measured, what is aimed at, and how many points it brought."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field(examples=["duration"])
    value: float | None = Field(
        default=None, examples=[7.1], description="Null when missing, which is not bad"
    )
    unit: str = Field(default="", examples=["h"])
    goal: str = Field(default="", examples=["7 to 9 h"])
    points: float | None = Field(default=None, examples=[100], description="0 to 100")
    weight: float | None = Field(default=None, examples=[40])
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


class FactorDefinition(BaseModel):
    """One part of a score, as it is defined."""

    name: str = Field(examples=["duration"])
    unit: str = Field(examples=["h"])
    goal: str = Field(examples=["7 to 9 h"])
    weight: float = Field(examples=[40], description="Per cent of the score when nothing is missing")


class SourceRead(BaseModel):
    """Where a formula comes from."""

    text: str = Field(examples=["Hirshkowitz et al. 2015, National Sleep Foundation"])
    url: str = Field(examples=["https://doi.org/10.1016/j.sleh.2014.12.010"])


class ScoreDefinition(BaseModel):
    """One score, as it is defined, with where its formula comes from."""

    name: str = Field(examples=["sleep"])
    version: int = Field(examples=[1])
    description: str = Field(examples=["How well a night served."])
    is_relative: bool = Field(
        examples=[False],
        description="Judged against your own other days: 50 is usual for you, whatever it is",
    )
    factors: list[FactorDefinition]
    sources: list[SourceRead]
