"""Shapes of the audit trail on the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema

from serving.audit.actors import ActorKind
from serving.audit.catalogue import ACTIONS
from serving.audit.chain import AuditRow


def _known(action: str) -> str:
    if action not in ACTIONS:
        raise ValueError(f"what is audited is one of: {', '.join(ACTIONS)}")
    return action


ActionName = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(ACTIONS)})]
By = Literal["login", "key", "link", "visitor", "administrator", "command", "system"]


class ActivityRead(BaseModel):
    """Something that was done to your account, and what with."""

    at: datetime
    action: str = Field(examples=["session.opened"])
    means: str = Field(examples=["Somebody logged in with the password."])
    by: By = Field(
        description="`login` and `key`: one of yours. `link`: whoever had a link of an e-mail to you. `command`: "
        "the operator, on the command line. `system`: nobody asked for it",
        examples=["login"],
    )
    session_id: UUID | None = Field(description="Your login that it was done with")
    key_id: UUID | None = Field(description="Your API key that it was done with")
    subject_id: str = Field(
        description="Of what `action` begins with", examples=["01920f3e-7b1c-7c30-9a51-6f1c3a7d9e21"]
    )
    request_id: str | None = Field(examples=["4f5c7e1f8c2d4c2d9a55a2f1d4f4f0b6"])

    @classmethod
    def of(cls, row: AuditRow, reader: UUID) -> ActivityRead:
        """The row for the person to whom it was done, who is not told which administrator it was."""
        kind, credential = row.actor_kind, row.credential_id
        is_own = row.actor_id == reader
        return cls(
            at=row.at,
            action=row.action,
            means=_means(row.action),
            by="administrator" if credential is not None and not is_own else kind,  # type: ignore[arg-type]
            session_id=credential if is_own and kind == "login" else None,
            key_id=credential if is_own and kind == "key" else None,
            subject_id=row.subject_id,
            request_id=row.request_id,
        )


class AuditRead(BaseModel):
    """Who did what, without a word of what was changed."""

    audit_id: int = Field(examples=[4711])
    at: datetime
    action: str = Field(examples=["role.given"])
    means: str = Field(examples=["A role was given to the account."])
    actor_kind: ActorKind = Field(examples=["login"])
    actor_id: UUID | None = Field(description="Whose login, key or link it was")
    credential_id: UUID | None = Field(description="Which login or key")
    subject_user_id: UUID | None = Field(
        description="To whom it was done; nobody, where it concerns everybody"
    )
    subject_id: str = Field(
        description="Of what `action` begins with", examples=["01920f3e-7b1c-7c30-9a51-6f1c3a7d9e20"]
    )
    before_hash: str | None = Field(
        description="Of what the owner saw before, by a key that is erased with the owner",
        examples=["9f86d0…"],
    )
    after_hash: str | None = Field(description="Of what the owner sees now", examples=["60303a…"])
    request_id: str | None = Field(examples=["4f5c7e1f8c2d4c2d9a55a2f1d4f4f0b6"])

    @classmethod
    def of(cls, row: AuditRow) -> AuditRead:
        hashes = {
            name: value.hex() if value is not None else None
            for name, value in (("before_hash", row.before_hash), ("after_hash", row.after_hash))
        }
        return cls.model_validate({**vars(row), **hashes, "means": _means(row.action)})


def _means(action: str) -> str:
    """In a sentence; what was audited once and is no more tells its name alone."""
    return ACTIONS[action].means if action in ACTIONS else action
