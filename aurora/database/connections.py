"""Connections for scripts and pipelines, and the pool of an asynchronous process."""

from __future__ import annotations

import asyncio
import select
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

from aurora.errors import ServiceUnavailableError


@contextmanager
def connect(url: str, *, autocommit: bool = False) -> Iterator[psycopg.Connection[Any]]:
    """One connection, closed at the end; committed when the block ends well."""
    try:
        connection = psycopg.connect(url, autocommit=autocommit, connect_timeout=5)
    except psycopg.OperationalError as error:
        raise ServiceUnavailableError("Postgres", _first_line(error)) from error
    with connection:
        yield connection


async def connect_at_length(url: str) -> psycopg.AsyncConnection[Any]:
    """A connection in autocommit for a task that may be cancelled at any moment, closed by who asked for it.

    An attempt that is cancelled half-way stays with the server, which waits a minute for it to log in: until then no
    database can be dropped, for one thing. So what was begun is ended.
    """
    connecting = asyncio.create_task(psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5))
    try:
        return await asyncio.shield(connecting)
    except asyncio.CancelledError:
        with suppress(psycopg.Error):
            await (await connecting).close()
        raise


def pool(
    url: str, size: int, *, autocommit: bool = False
) -> AsyncConnectionPool[psycopg.AsyncConnection[Any]]:
    """A pool that is not open yet. It looks at a connection before it hands it out, so a restart heals.

    A connection that is cut in the very same moment is not found out. With `autocommit` each statement is a
    transaction of its own.
    """
    return AsyncConnectionPool(
        url,
        min_size=1,
        max_size=size,
        open=False,
        timeout=5,
        check=_look,
        kwargs={"autocommit": autocommit},
    )


async def _look(connection: psycopg.AsyncConnection[Any]) -> None:
    """OperationalError when the connection is lost.

    The end of a connection is something to read, and a connection that nobody uses has nothing else to read but a
    notice: only then it is worth a round trip to ask.
    """
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        await AsyncConnectionPool.check_connection(connection)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
