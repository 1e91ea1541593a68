"""Connections for scripts and pipelines, and the pool of an asynchronous process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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


def pool(url: str, size: int) -> AsyncConnectionPool[psycopg.AsyncConnection[Any]]:
    """A pool that is not open yet. It checks a connection before it hands it out, so a restart heals."""
    return AsyncConnectionPool(
        url,
        min_size=1,
        max_size=size,
        open=False,
        timeout=5,
        check=AsyncConnectionPool.check_connection,
        kwargs={"autocommit": False},
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
