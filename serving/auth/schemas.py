"""Shapes of accounts and tokens on the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from serving.emails.spelling import normalised

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
Email = Annotated[str, StringConstraints(max_length=254), AfterValidator(normalised)]
ZoneName = Annotated[str, StringConstraints(min_length=1, max_length=64)]
# Longer than bcrypt reads, so that the answer can say in words what is wrong.
Password = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00]+$")
]
LoginName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=254, pattern=r"^[^\x00]+$")
]
Token = Annotated[str, StringConstraints(min_length=1, max_length=2048)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Registration(Body):
    """A new account."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"username": "ada", "password": "a-long-sentence-you-remember", "tz": "Europe/Oslo"}]
        }
    )

    username: Username
    password: Password = Field(description="8 characters to 72 bytes, none that is easy to guess")
    email: Email | None = Field(
        default=None, description="Stored encrypted. Gets a link to confirm it. Optional"
    )
    tz: ZoneName = Field(default="UTC", description="IANA time zone that the person lives in")
    display_name: Line | None = None


class Login(Body):
    """User name, or the e-mail address that was confirmed, and password."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"username": "ada", "password": "a-long-sentence-you-remember"}]}
    )

    username: LoginName
    password: Password


class Refresh(Body):
    """The refresh token of the last login or refresh."""

    refresh_token: Token = Field(examples=["eyJhbGciOiJIUzI1NiIs…"])


class TokenPair(BaseModel):
    """Tokens of one login. The refresh token works once and gives the next pair."""

    access_token: str = Field(examples=["eyJhbGciOiJIUzI1NiIs…"])
    refresh_token: str = Field(examples=["eyJhbGciOiJIUzI1NiIs…"])
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  # a scheme, not a secret
    expires_in: int = Field(examples=[1800], description="Seconds that the access token lives")
    refresh_expires_in: int = Field(examples=[604800], description="Seconds that the refresh token lives")


class PasswordChange(Body):
    """The password there is, and the next one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "current_password": "a-long-sentence-you-remember",
                    "new_password": "another-sentence-you-remember",
                }
            ]
        }
    )

    current_password: Password
    new_password: Password = Field(description="8 characters to 72 bytes, none that is easy to guess")


Units = Literal["metric", "imperial"]
Rated = Literal["energy", "mood"]
ScaleEnd = Annotated[float, Field(strict=True, ge=-1000, le=1000)]


class Scale(Body):
    """The ends of the scale on which a person rates. What AURORA stores and answers keeps its own units."""

    worst: ScaleEnd = Field(examples=[1])
    best: ScaleEnd = Field(examples=[5])

    @model_validator(mode="after")
    def _has_two_ends(self) -> Self:
        if self.worst == self.best:
            raise ValueError("the ends of a scale differ")
        return self


class ProfileChange(Body):
    """What to change of a profile; what is not named stays (JSON Merge Patch, RFC 7396)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"tz": "Europe/Lisbon", "scales": {"energy": {"worst": 1, "best": 5}}}]
        }
    )

    display_name: Line | None = Field(default=None, description="Null takes the name away")
    # Of these null means nothing. A factory keeps the default, which nobody reads, out of the docs.
    tz: ZoneName = Field(default_factory=str, description="IANA time zone that the person lives in")
    units: Units = Field(default_factory=lambda: "metric")
    scales: dict[Rated, Scale | None] = Field(
        default_factory=dict, description="By what is rated; null goes back to AURORA's own scale"
    )


class SessionRead(BaseModel):
    """A login that is open: whoever holds its tokens is this person."""

    session_id: UUID
    user_agent: str | None = Field(examples=["my-app/2.1 (iPhone)"], description="What logged in, as it says")
    started_at: datetime
    last_refreshed_at: datetime = Field(description="When it last took new tokens")
    expires_at: datetime = Field(description="Unless it takes new tokens before")
    is_current: bool = Field(description="The one that you ask with")


class UserRead(BaseModel):
    """An account, as its owner sees it."""

    user_id: UUID
    username: str = Field(examples=["ada"])
    display_name: str | None = Field(examples=["Ada"])
    email: str | None = Field(examples=["ada@example.org"], description="The address that was confirmed")
    email_verified: bool = Field(description="Whether there is one")
    email_wanted: str | None = Field(
        examples=[None], description="The address that gets `email` when it is confirmed"
    )
    tz: str = Field(examples=["Europe/Oslo"])
    units: Units
    scales: dict[Rated, Scale] = Field(
        examples=[{"energy": {"worst": 1, "best": 5}}],
        description="For apps, to ask and to show with. What AURORA stores and answers keeps its own units",
    )
    cohort: str = Field(
        examples=["real"], description="Whose models answer: real people, a simulation, a study"
    )
    created_at: datetime


class Registered(BaseModel):
    """The account that was made. Log in next."""

    user_id: UUID
    username: str = Field(examples=["ada"])
    tz: str = Field(examples=["Europe/Oslo"])
