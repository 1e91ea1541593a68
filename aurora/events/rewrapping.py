"""Changing the key that wraps people's data keys: each is wrapped anew, and nothing that was sealed with it changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from cryptography.exceptions import InvalidTag

from aurora.events.ciphertext import is_wrapped_by_first, unwrap, wrap

AT_ONCE: Final = 500

_COUNT: Final[LiteralString] = "select count(*) from app.users where data_key_ciphertext <> ''"
# Locked, so that whoever erases a person meanwhile is waited for and not undone.
_NEXT: Final[LiteralString] = """
    select user_id, data_key_ciphertext from app.users
    where user_id > %s and data_key_ciphertext <> ''
    order by user_id
    limit %s
    for update
"""
_STORE: Final[LiteralString] = "update app.users set data_key_ciphertext = %s where user_id = %s"


@dataclass(frozen=True)
class Rewrapped:
    """What became of the keys of all people."""

    people: int
    changed: int
    unreadable: tuple[UUID, ...]
    """Wrapped by no key of the ring: nothing of theirs that is sealed can be read."""


def rewrap(
    connection: psycopg.Connection[Any],
    system_key: str,
    *,
    only_look: bool = False,
    on_done: Callable[[int, int], None] = lambda _done, _all: None,
) -> Rewrapped:
    """Wrap every data key with the first key of the ring, some hundred people a transaction.

    Interrupted and repeated it goes on: who is done is not changed again. With `only_look` nothing is changed.
    """
    [(count,)] = connection.execute(_COUNT).fetchall()
    people = changed = 0
    unreadable: list[UUID] = []
    last = UUID(int=0)
    while True:
        with connection.transaction():
            found = connection.execute(_NEXT, (last, AT_ONCE)).fetchall()
            for user_id, wrapped in found:
                if is_wrapped_by_first(system_key, user_id, wrapped):
                    continue
                try:
                    person_key = unwrap(system_key, user_id, wrapped)
                except InvalidTag:
                    unreadable.append(user_id)
                    continue
                changed += 1
                if not only_look:
                    connection.execute(_STORE, (wrap(system_key, user_id, person_key), user_id))
        if not found:
            return Rewrapped(people, changed, tuple(unreadable))
        people, last = people + len(found), found[-1][0]
        on_done(people, count)
