"""Builds: the record of what was built from which state of the log, and the promise that one runs at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from aurora.database.connections import connect
from aurora.database.locks import PATIENCE, session_lock
from aurora.errors import AuroraError
from aurora.kept_answers import CHANNEL, SCORES

_LOCK: Final = "aurora.build"
_DEFINITION: Final = "definition "
_VIEWS: Final = "views "
_SCHEMAS_OF_VIEWS: Final = ("staging", "intermediate", "features", "scores", "marts", "analysts")


class BuildRunningError(AuroraError):
    def __init__(self) -> None:
        super().__init__(
            "another build of the warehouse is running; `aurora status` and Dagster's runs say whose"
        )


@dataclass
class Build:
    """One build under way. The next one goes on from the snapshot that its record keeps."""

    build_id: UUID
    is_full: bool
    keeps_views: bool = False
    """All views are as the project has them: to make them anew would change nothing."""
    is_good: bool = False


@contextmanager
def recorded_build(
    postgres_url: str, *, definition: str, views: str | None = None, full: bool = False
) -> Iterator[Build]:
    """Hold the lock and the record of one build; it is good when the block says so and ends well.

    A build is full when it is asked to be, and when what the tables mean (`definition`) has changed since the
    last good one: rows of two meanings must not lie side by side. Likewise it keeps the views while what they are
    (`views`) is what the last good one made, and none of them is missing; None makes all of them anew.
    """
    with (
        connect(postgres_url, autocommit=True) as connection,
        session_lock(connection, _LOCK, patience=PATIENCE) as is_mine,
    ):
        if not is_mine:
            raise BuildRunningError
        # Whoever holds the lock knows that a build which is still called running was killed.
        connection.execute(
            "update raw.builds set state = 'failed', finished_at = now() where state = 'running'"
        )
        build = Build(uuid4(), full or built_definition(connection) != definition)
        build.keeps_views = not build.is_full and views is not None and _found_views(connection, views)
        connection.execute(
            "insert into raw.builds (build_id, snapshot, is_full, state)"
            " values (%s, pg_current_snapshot(), %s, 'running')",
            (build.build_id, build.is_full),
        )
        try:
            yield build
        except BaseException:
            build.is_good = False
            raise
        finally:
            _finish(connection, build, definition, views)


@contextmanager
def no_build_meanwhile(connection: psycopg.Connection[Any]) -> Iterator[bool]:
    """Whether no build runs; if so none begins before the block has ended."""
    with session_lock(connection, _LOCK, patience=0) as is_free:
        yield is_free


def _finish(connection: psycopg.Connection[Any], build: Build, definition: str, views: str | None) -> None:
    connection.execute(
        "update raw.builds set state = %s, finished_at = clock_timestamp() where build_id = %s",
        ("good" if build.is_good else "failed", build.build_id),
    )
    # One that failed has written some tables, too.
    connection.execute("select pg_notify(%s, %s)", (CHANNEL, SCORES))
    if build.is_good and build.is_full:
        comment = sql.Literal(f"{_DEFINITION}{definition}")
        connection.execute(sql.SQL("comment on schema features is {}").format(comment))
    if build.is_good and not build.keeps_views and views is not None:
        comment = sql.Literal(_views_as_they_are(connection, views))
        connection.execute(sql.SQL("comment on schema marts is {}").format(comment))


def last_build_was_full(connection: psycopg.Connection[Any]) -> bool:
    """Whether the build that the warehouse shows made everything anew."""
    row = connection.execute("select is_full from raw.last_good_build").fetchone()
    return bool(row and row[0])


def built_definition(connection: psycopg.Connection[Any]) -> str | None:
    """The definition of the last good full build, None before there was one."""
    comment = _comment_on(connection, "features")
    return comment.removeprefix(_DEFINITION) if comment and comment.startswith(_DEFINITION) else None


def _found_views(connection: psycopg.Connection[Any], views: str) -> bool:
    return _comment_on(connection, "marts") == _views_as_they_are(connection, views)


def _views_as_they_are(connection: psycopg.Connection[Any], views: str) -> str:
    """What their definitions are, and how many there are: one that was dropped by hand is missed."""
    row = connection.execute(
        "select count(*) from pg_views where schemaname = any(%s)", (list(_SCHEMAS_OF_VIEWS),)
    ).fetchone()
    return f"{_VIEWS}{views} {row[0] if row else 0}"


def _comment_on(connection: psycopg.Connection[Any], schema: str) -> str | None:
    row = connection.execute(
        "select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = %s", (schema,)
    ).fetchone()
    return row[0] if row else None


def purge_touched_days(connection: psycopg.Connection[Any]) -> int:
    """Forget the touched days that a good build has seen; how many rows. Housekeeping calls this."""
    cursor = connection.execute(
        "delete from raw.touched_days"
        " where pg_visible_in_snapshot(xid, (select snapshot from raw.last_good_build))"
    )
    return cursor.rowcount
