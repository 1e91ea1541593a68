"""Who changes something: the login or key of the request that is being answered, unless the mutation names another."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from serving.auth.tokens import AccessToken

CALLER: Final[ContextVar[AccessToken | None]] = ContextVar("caller", default=None)
"""The token or key that came with the request that is being answered. Beside it is `serving.request_ids.REQUEST_ID`."""

ActorKind = Literal["login", "key", "link", "visitor", "command", "system"]


@dataclass(frozen=True)
class Actor:
    """Somebody, and what they came with: `credential_id` is that of a login or key."""

    kind: ActorKind
    user_id: UUID | None = None
    credential_id: UUID | None = None


VISITOR: Final = Actor("visitor")
"""Somebody without a login: who makes an account."""
COMMAND: Final = Actor("command")
"""Whoever ran `aurora …` on a machine of the operator."""
SYSTEM: Final = Actor("system")
"""Nobody asked: AURORA does this by itself."""


def by_login(user_id: UUID, family_id: UUID) -> Actor:
    return Actor("login", user_id, family_id)


def by_link(user_id: UUID) -> Actor:
    """Whoever has the link that was sent to this person."""
    return Actor("link", user_id)


def caller() -> Actor:
    """Who asks. LookupError where nobody is logged in: such a mutation has to say who does it."""
    token = CALLER.get()
    if token is None:
        raise LookupError("no login or key came with this request: name the actor")
    return Actor("login" if token.scopes is None else "key", token.user_id, token.family_id)
