"""Shapes of predictions on the API."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field


class Interval(BaseModel):
    """Where the rating lies in 90 of 100 cases, calibrated on days that the model had not seen."""

    lower: float = Field(examples=[4.9])
    upper: float = Field(examples=[7.8])
    coverage: float = Field(default=0.9, examples=[0.9])


class Baseline(BaseModel):
    """What one would say without any model."""

    name: str = Field(examples=["ewma"])
    value: float = Field(examples=[6.1])


class ReasonRead(BaseModel):
    """One feature's share in the answer. It says what went along with it, not what caused it."""

    feature: str = Field(examples=["avg_sleep_last_7d"])
    value: float | None = Field(examples=[424])
    unit: str = Field(examples=["min"])
    contribution: float = Field(examples=[0.4])
    sentence: str = Field(examples=["Last sleep (7 h 04 min) goes with 0.4 points more energy"])


class SharesRead(BaseModel):
    """The sum that the reasons are part of: `base`, the contributions of `reasons` and `others` make `total`."""

    base: float = Field(examples=[6.2], description="Where the model starts from: mostly your baseline")
    others: float = Field(examples=[-0.3], description="What the features add that no reason tells")
    total: float = Field(
        examples=[6.4],
        description="Energy: `value`, before it is brought back onto the scale where it passes an end. "
        "Mood: the log-odds of the answered class against the next worse one",
    )


class PredictionRead(BaseModel):
    """The rating to be expected if you were asked now."""

    target: str = Field(examples=["energy"])
    as_of: datetime
    local_date: date = Field(examples=["2026-03-29"])
    value: float | None = Field(examples=[6.4], description="Null when nothing is known about you yet")
    unit: str = Field(examples=["points"])
    scale: tuple[float, float] = Field(examples=[(0, 10)])
    class_name: str | None = Field(default=None, alias="class", serialization_alias="class", examples=[None])
    probabilities: dict[str, float] | None = Field(default=None, examples=[None], description="Of each class")
    interval: Interval | None = Field(default=None, description="Null without a trained model")
    baseline: Baseline | None = None
    model_source: Literal["model", "baseline", "none"] = Field(description="Who answered")
    model_version: str | None = Field(default=None, examples=["7"])
    reasons: list[ReasonRead] = []
    shares: SharesRead | None = Field(default=None, description="Null where the model did not answer")
    explanation: str = Field(examples=["Version 7 of the energy model answered."])
