"""Shapes of e-mail addresses, password resets and the end of an account on the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from serving.auth.schemas import Body, Email, Password

LinkToken = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
_TOKEN = "q2Z0c6b1yN3m5Xv8kQpR7tUwJ4hLd9sEaFgHiKoMnBc"  # noqa: S105  # an example


class EmailChange(Body):
    """An address that is to become yours, and your password."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"email": "ada@example.org", "current_password": "a-long-sentence-you-remember"}]
        }
    )

    email: Email
    current_password: Password


class EmailConfirmation(Body):
    """What the link of the e-mail has behind its `#`."""

    token: LinkToken = Field(examples=[_TOKEN])


class ForgottenPassword(Body):
    """The address that you have confirmed."""

    email: Email = Field(examples=["ada@example.org"])


class PasswordReset(Body):
    """What the link of the e-mail has behind its `#`, and the next password."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"token": _TOKEN, "new_password": "another-sentence-you-remember"}]}
    )

    token: LinkToken
    new_password: Password = Field(description="8 characters to 72 bytes, none that is easy to guess")


class AccountDeletion(Body):
    """Your password."""

    current_password: Password = Field(examples=["a-long-sentence-you-remember"])


class EmailPromised(BaseModel):
    """An e-mail is on its way, if there is anybody to get it."""

    detail: str = Field(examples=["If this address belongs to an account, a link is on its way to it."])


class AccountDeleted(BaseModel):
    """Nobody can log in any more. What happens next."""

    deleted_at: datetime
    detail: str = Field(examples=["Your account is closed and waits for the erasure of its data."])
