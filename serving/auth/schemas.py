"""Shapes of accounts and tokens on the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Username = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        to_lower=True,
        min_length=3,
        max_length=50,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
    ),
]
Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+\.[^@\s\x00]+$"
    ),
]
ZoneName = Annotated[str, StringConstraints(min_length=1, max_length=64)]
# Longer than bcrypt reads, so that the answer can say in words what is wrong.
Password = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00]+$")
]
Token = Annotated[str, StringConstraints(min_length=1, max_length=2048)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Registration(_Body):
    """A new account."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"username": "ada", "password": "a-long-sentence-you-remember", "tz": "Europe/Oslo"}]
        }
    )

    username: Username
    password: Password = Field(description="8 characters to 72 bytes")
    email: Email | None = Field(default=None, description="Stored encrypted. Optional")
    tz: ZoneName = Field(default="UTC", description="IANA time zone that the person lives in")
    display_name: Line | None = None


class Login(_Body):
    """User name and password."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"username": "ada", "password": "a-long-sentence-you-remember"}]}
    )

    username: Line
    password: Password


class Refresh(_Body):
    """The refresh token of the last login or refresh."""

    refresh_token: Token = Field(examples=["eyJhbGciOiJIUzI1NiIs…"])


class TokenPair(BaseModel):
    """Tokens of one login. The refresh token works once and gives the next pair."""

    access_token: str = Field(examples=["eyJhbGciOiJIUzI1NiIs…"])
    refresh_token: str = Field(examples=["eyJhbGciOiJIUzI1NiIs…"])
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  # a scheme, not a secret
    expires_in: int = Field(examples=[1800], description="Seconds that the access token lives")
    refresh_expires_in: int = Field(examples=[604800], description="Seconds that the refresh token lives")


class UserRead(BaseModel):
    """An account, as its owner sees it."""

    user_id: UUID
    username: str = Field(examples=["ada"])
    display_name: str | None = Field(examples=["Ada"])
    email: str | None = Field(examples=[None])
    tz: str = Field(examples=["Europe/Oslo"])
    cohort: str = Field(
        examples=["real"], description="Whose models answer: real people, a simulation, a study"
    )
    created_at: datetime


class Registered(BaseModel):
    """The account that was made. Log in next."""

    user_id: UUID
    username: str = Field(examples=["ada"])
    tz: str = Field(examples=["Europe/Oslo"])
