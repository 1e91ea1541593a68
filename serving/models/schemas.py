"""Shapes of models on the API."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field


class ModelRead(BaseModel):
    """A version that has a name: the champion answers, a challenger is shadowed."""

    model_name: str = Field(examples=["energy"])
    cohort: str = Field(examples=["real"], description="Whose model it is")
    alias: str = Field(examples=["champion"])
    model_version: str = Field(examples=["3"])
    moved_at: datetime = Field(description="Since when it has this name")
    reason: str | None = Field(examples=["not inferior to version 2"], description="Why it was given it")
    published_at: datetime | None = Field(description="Since when processes that answer can load it")
