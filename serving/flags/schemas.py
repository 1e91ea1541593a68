"""Shapes of feature flags on the API."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from serving.flags.catalogue import Flag
from serving.flags.storage import Kept
from serving.flags.targeting import MOST_RULES, Rule, Setting


class FeatureFlagRead(BaseModel):
    """A feature flag, and for whom it is on."""

    name: str = Field(examples=["what-if"])
    when_off: str = Field(examples=["`POST /api/v1/predictions/what-if` answers `feature-off`."])
    default: bool = Field(examples=[True], description="What holds while nothing is set")
    is_on: bool = Field(examples=[True], description="False: off for everybody, whatever the rules say")
    rules: list[Rule] = Field(
        description="None: for everybody. Otherwise the first rule that is about somebody decides, and it is off for "
        "who is in none"
    )
    updated_at: datetime | None = Field(
        examples=["2026-11-25T09:30:12.401022Z"],
        description="When it was last set; null: it is as by default",
    )

    @classmethod
    def of(cls, flag: Flag, kept: Kept | None) -> Self:
        setting = kept.setting if kept else Setting(is_on=flag.default)
        return cls(
            name=flag.name,
            when_off=flag.when_off,
            default=flag.default,
            is_on=setting.is_on,
            rules=setting.rules,
            updated_at=kept.updated_at if kept else None,
        )


class FeatureFlagChange(BaseModel):
    """What to set; what is not named stays (JSON Merge Patch, RFC 7396)."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "is_on": True,
                    "rules": [{"roles": ["operator", "admin"]}, {"cohorts": ["real"], "percentage": 10}],
                }
            ]
        },
    )

    # Null means nothing. A factory keeps the default, which nobody reads, out of the docs.
    is_on: StrictBool = Field(default_factory=bool, description="False: off for everybody")
    rules: list[Rule] = Field(
        default_factory=list, max_length=MOST_RULES, description="All of them; an empty list takes them away"
    )

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("name what to change")
        return self

    def applied_to(self, flag: Flag, kept: Kept | None) -> Setting:
        """What is set now, with what is named here."""
        before = kept.setting if kept else Setting(is_on=flag.default)
        return before.model_copy(update={name: getattr(self, name) for name in self.model_fields_set})
