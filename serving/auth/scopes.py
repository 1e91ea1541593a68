"""Roles and scopes: what somebody may ask of the API, and what they may let a key of theirs ask.

To guard something new, add a Scope and name it at the endpoint (`person_who_may("…")` in `serving.dependencies`).
The docs, OpenAPI and the test of every route for everybody read this list; nothing else lists scopes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, get_args

from serving.auth.errors import RoleMissingError, ScopeMissingError
from serving.auth.roles import Role

_EVERYBODY: Final[frozenset[Role]] = frozenset(get_args(Role))
_OPERATORS: Final[frozenset[Role]] = frozenset({"operator", "admin"})
_READERS: Final[frozenset[Role]] = frozenset({"analyst", "operator", "admin"})
_ADMINS: Final[frozenset[Role]] = frozenset({"admin"})


@dataclass(frozen=True)
class Scope:
    """One thing that can be asked for, and who may."""

    name: str
    description: str
    roles: frozenset[Role] = _EVERYBODY
    is_for_keys: bool = True
    """What decides who somebody is and what they may takes a login: a key that leaked makes no further keys."""


SCOPES: Final[dict[str, Scope]] = {
    scope.name: scope
    for scope in (
        Scope("account", "Your password, your logins and your keys", is_for_keys=False),
        Scope("profile:read", "Read your account and profile"),
        Scope("profile:write", "Change your profile"),
        Scope("events:read", "Read your events, your timeline and what was rejected"),
        Scope("events:write", "Send, correct and delete your events; replay and discard what was rejected"),
        Scope("features:read", "Read your features"),
        Scope("scores:read", "Read your scores"),
        Scope("predictions:read", "Ask for predictions and what-ifs"),
        Scope("patterns:read", "Read your patterns"),
        Scope("live:read", "Hear of what is new on the WebSocket"),
        Scope("webhooks:read", "Read your webhooks and what they were sent"),
        Scope("webhooks:write", "Have what happens to you sent somewhere, and change where"),
        Scope("models:read", "Read which models answer and how good they are", _READERS),
        Scope("users:read", "Read the accounts of others, without anything they recorded", _OPERATORS),
        Scope("users:write", "Give roles, and close the logins of others", _ADMINS, is_for_keys=False),
        Scope("audit:read", "Read who did what to whom, without a word of what was changed", _OPERATORS),
        Scope("flags:read", "Read which features are on, and for whom", _OPERATORS),
        Scope("flags:write", "Switch features on and off", _ADMINS, is_for_keys=False),
        Scope("announcements:write", "Tell everybody something", _OPERATORS),
    )
}
KEY_SCOPES: Final = tuple(name for name, scope in SCOPES.items() if scope.is_for_keys)


def check_granted(asked: Collection[str], granted: Collection[str] | None) -> None:
    """ScopeMissingError when a key was not made for what is asked; a login (None) is for everything."""
    for name in asked:
        if granted is not None and name not in granted:
            raise ScopeMissingError(name, takes_login=not SCOPES[name].is_for_keys)


def check_role(asked: Collection[str], role: Role) -> None:
    """RoleMissingError when somebody of this role may not have what is asked."""
    if not all(role in SCOPES[name].roles for name in asked):
        raise RoleMissingError
