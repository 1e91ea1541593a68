"""Shapes of administration on the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from serving.auth.roles import Role


class AccountRead(BaseModel):
    """An account, as who administers it sees it: no address, no profile, nothing that was recorded."""

    user_id: UUID
    username: str = Field(examples=["ada"])
    role: Role = Field(examples=["user"])
    cohort: str = Field(examples=["real"])
    created_at: datetime
    deleted_at: datetime | None = Field(description="When it was deleted; what is left of it is being erased")
    open_logins: int = Field(examples=[2])
    api_keys: int = Field(examples=[1], description="Keys that hold")
    requests_per_minute: int | None = Field(
        examples=[None], description="Their own quota, of logins and of keys apart; null: as everybody"
    )


class AccountChange(BaseModel):
    """What to change of somebody's account; what is not named stays (JSON Merge Patch, RFC 7396)."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"role": "operator", "requests_per_minute": 1200}]}
    )

    # Of the role null means nothing. A factory keeps the default, which nobody reads, out of the docs.
    role: Role = Field(default_factory=lambda: "user")
    requests_per_minute: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = Field(
        default=None, description="Null gives back the quota of everybody"
    )

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("name what to change")
        return self


class Announcement(BaseModel):
    """What to tell everybody."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"text": "Maintenance at noon, for ten minutes."}]},
    )

    text: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=r"^[^\x00]+$")
    ]


class Announced(BaseModel):
    """It is told: by position `position` of `system:announcements`."""

    position: int = Field(examples=[7])
