"""Shapes of API keys on the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from serving.auth.schemas import Line
from serving.auth.scopes import KEY_SCOPES


def _known(scope: str) -> str:
    if scope not in KEY_SCOPES:
        raise ValueError(f"a key can be made for: {', '.join(KEY_SCOPES)}")
    return scope


_SCOPE_SCHEMA: dict[str, Any] = {"type": "string", "enum": list(KEY_SCOPES)}
KeyScope = Annotated[str, AfterValidator(_known), WithJsonSchema(_SCOPE_SCHEMA)]
_EXAMPLE = {"name": "bathroom scale", "scopes": ["events:write"], "expires_in_days": 90}


class KeyWanted(BaseModel):
    """A key to make."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    name: Line = Field(description="What it is for, so that you know it again")
    scopes: list[KeyScope] = Field(
        min_length=1, max_length=len(KEY_SCOPES), description="What it may do, and nothing else"
    )
    expires_in_days: Annotated[int, Field(strict=True, ge=1, le=730)] | None = Field(
        default=90, description="Null: it holds until it is revoked"
    )


class KeyRead(BaseModel):
    """A key, without what makes it one."""

    key_id: UUID
    name: str = Field(examples=["bathroom scale"])
    prefix: str = Field(examples=["aurora_key_x3Zq9w"], description="How the key begins")
    scopes: list[KeyScope] = Field(examples=[["events:write"]])
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To half a minute")


class KeyMade(KeyRead):
    """A key that was made. It is shown this once: nobody can read it again."""

    key: str = Field(examples=["aurora_key_x3Zq9wTn0bR5uJ7cV1mYk2sLh8dGfEaP4oWiQvXzN6t"])
