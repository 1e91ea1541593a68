"""Locks by name that one session holds: work that two processes must not do at the same time.

Postgres frees the lock of a process that died when it sees that its connection is gone: a moment later, and
later still where it was in the middle of a long statement.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg

PATIENCE: Final = 3.0
"""Seconds in which the lock of a process that has just died is given back."""
_PAUSE: Final = 0.05


@contextmanager
def session_lock(connection: psycopg.Connection[Any], name: str, *, patience: float) -> Iterator[bool]:
    """Whether this session got the lock, after `patience` seconds at most; it is held until the block ends.

    The connection must be in autocommit: a lock that waits inside a transaction would hold back vacuum.
    """
    is_held = _take(connection, name, time.monotonic() + patience)
    try:
        yield is_held
    finally:
        if is_held and not connection.closed:
            connection.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", (name,))


def _take(connection: psycopg.Connection[Any], name: str, deadline: float) -> bool:
    while True:
        query = "select pg_try_advisory_lock(hashtextextended(%s, 0))"
        row = connection.execute(query, (name,)).fetchone()
        if row is not None and row[0]:
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE)
