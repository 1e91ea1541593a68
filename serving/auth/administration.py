"""Accounts from the command line, with the rights of whoever runs it."""

from __future__ import annotations

from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from pydantic import TypeAdapter, ValidationError

from aurora.database.connections import connect
from aurora.errors import AuroraError
from aurora.events.ciphertext import unwrap
from serving.audit.actors import COMMAND
from serving.audit.recording import INSERT_ROW, Change, new_row
from serving.auth.errors import UsernameTakenError, UserNotFoundError
from serving.auth.password_rules import check_password
from serving.auth.passwords import Passwords
from serving.auth.people import INSERT_PERSON, new_person_row
from serving.auth.roles import Role
from serving.auth.schemas import Username
from serving.auth.sessions import REVOKE_ALL
from serving.emails.links import VOID_LINKS
from serving.options import ApiOptions

_SET_HASH: Final[LiteralString] = """
    update app.users set password_hash = %(password_hash)s
    where username = %(username)s and deleted_at is null
    returning user_id
"""
_FIND: Final[LiteralString] = """
    select user_id, data_key_ciphertext, role from app.users
    where username = %s and deleted_at is null
    for update
"""
_SET_ROLE: Final[LiteralString] = "update app.users set role = %s where user_id = %s"


class UsernameUnacceptableError(AuroraError):
    def __init__(self) -> None:
        super().__init__("a user name has 3 to 50 letters, digits, dots, dashes or underscores")


def add_user(url: str, system_key: str, username: str, password: str, tz: str) -> UUID:
    """Make an account; says in words why not, when not."""
    try:
        name = TypeAdapter(Username).validate_python(username)
    except ValidationError:
        raise UsernameUnacceptableError from None
    check_password(password, name)
    row = new_person_row(username=name, password_hash=_hash(password), tz=tz, system_key=system_key)
    with connect(url) as connection:
        try:
            connection.execute(INSERT_PERSON, row)
        except psycopg.errors.UniqueViolation:
            raise UsernameTakenError from None
        made = Change(
            unwrap(system_key, row["user_id"], row["key"]),
            after={"username": name, "email": None, "tz": tz, "display_name": None},
        )
        _record(connection, "account.registered", row["user_id"], made)
    return row["user_id"]


def change_password(url: str, username: str, password: str) -> None:
    """A new password for a person who exists, simulated and imported ones included."""
    check_password(password, username)
    values: dict[str, Any] = {"username": username, "password_hash": _hash(password)}
    with connect(url) as connection:
        row = connection.execute(_SET_HASH, values).fetchone()
        if row is None:
            raise UserNotFoundError(username)
        connection.execute(REVOKE_ALL, {"user_id": row[0], "kept": None})
        connection.execute(VOID_LINKS, {"user_id": row[0], "purposes": ["reset"]})
        _record(connection, "password.changed", row[0])


def give_role(url: str, system_key: str, username: str, role: Role) -> None:
    """A role for a person who exists: how the first administrator comes to be."""
    with connect(url) as connection:
        found = connection.execute(_FIND, (username,)).fetchone()
        if found is None:
            raise UserNotFoundError(username)
        user_id, wrapped_key, before = found
        connection.execute(_SET_ROLE, (role, user_id))
        given = Change(unwrap(system_key, user_id, wrapped_key), {"role": before}, {"role": role})
        _record(connection, "role.given", user_id, given)


def _record(
    connection: psycopg.Connection[Any], action: str, user_id: UUID, change: Change | None = None
) -> None:
    """Into the audit trail, as the API does it."""
    row = new_row(action, user_id, owner=user_id, actor=COMMAND, change=change)
    connection.execute(INSERT_ROW, row)


def _hash(password: str) -> str:
    return Passwords(ApiOptions().bcrypt_cost).hash_now(password)
