"""The archive: months of the log first stored long ago move to Parquet, and come back when they are needed.

    in the log ──write, verify──▶ written ──drop──▶ archived ──restore──▶ restored ──drop──▶ archived …

Every step can be killed and repeated. A month leaves Postgres only by `raw.drop_archived_month`, which compares
what is in the log at that moment with the manifest; the file was read back into Postgres before that, and its
rows compared by the same digest. The keys of events stay: a correction of an archived event is still one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql

from aurora.database.locks import PATIENCE, session_lock
from aurora.database.partitions import ensure_partitions, month_of
from aurora.errors import AuroraError
from pipelines.ingestion.archive_files import (
    COLUMNS,
    RESTORED,
    ArchiveFileError,
    read_back,
    sha256_of,
    write_month,
)
from pipelines.ingestion.archive_manifests import Manifest, due_months, in_use, read_manifests
from pipelines.transformation.builds import no_build_meanwhile

LOCK: Final = "aurora.archive"
ATTEMPTS: Final = 10
"""To get hold of the log for the instant in which a month is taken off it; each waits for up to a second."""

OnMonth = Callable[[date, str], None]
"""Called with a month and what is being done with it."""


class ArchiveRunningError(AuroraError):
    def __init__(self) -> None:
        super().__init__(
            "another process works on the archive already; `aurora archive list` shows how far it is"
        )


class MonthNotArchivedError(AuroraError):
    def __init__(self, month: date) -> None:
        super().__init__(
            f"the month {month:%Y-%m} is not in the archive; `aurora archive list` shows what is"
        )


class ArchiveUnfaithfulError(AuroraError):
    """A file that was read back does not hold what was written."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} does not give back the rows that were written; nothing was taken off the log"
        )


@dataclass
class ArchiveReport:
    """What a run did."""

    archived: list[date] = field(default_factory=list)
    postponed: list[date] = field(default_factory=list)
    """A build or a long query stood in the way; the next run takes them."""
    rows: int = 0
    bytes: int = 0


def archive_months(
    connection: psycopg.Connection[Any],
    folder: Path,
    *,
    now: datetime,
    after: timedelta,
    on_month: OnMonth | None = None,
) -> ArchiveReport:
    """Archive what is due, on an autocommit connection. A run that was killed is taken up by the next one."""
    tell = on_month or (lambda _month, _what: None)
    report = ArchiveReport()
    with session_lock(connection, LOCK, patience=PATIENCE) as is_mine:
        if not is_mine:
            raise ArchiveRunningError
        _sweep(connection, folder)
        for month in due_months(connection, now, after):
            manifest = _written(connection, folder, month, tell)
            if manifest is None:
                continue  # The month is empty, and its partition is no burden.
            tell(month, "taking it off the log")
            if not _drop(connection, manifest):
                report.postponed.append(month)
                continue
            report.archived.append(month)
            report.rows += manifest.row_count
            report.bytes += manifest.file_bytes
        _sweep(connection, folder)
    return report


def restore_month(
    connection: psycopg.Connection[Any],
    folder: Path,
    month: date,
    *,
    keep_until: datetime | None = None,
) -> int:
    """Put an archived month back into the log; how many rows came back. The file stays as it is.

    Until `keep_until` no run archives it again; without it the next one does. Rows of people who were erased
    do not come back: an event without its key is nobody's.
    """
    month = month_of(month)
    manifest = in_use(connection, month)
    if manifest is None:
        raise MonthNotArchivedError(month)
    count = 0
    with connection.transaction():
        if manifest.state == "archived":
            read_back(connection, folder / manifest.file_name, manifest.file_sha256, manifest.column_names)
            if _digest(connection, f"pg_temp.{RESTORED}", month, manifest.column_names) != (
                manifest.row_count,
                manifest.row_digest,
            ):
                raise ArchiveFileError(
                    folder / manifest.file_name, "does not hold the rows that were written"
                )
            ensure_partitions(connection, [month])
            columns = sql.SQL(", ").join(map(sql.Identifier, manifest.column_names))
            count = connection.execute(sql.SQL(_RESTORE).format(columns=columns)).rowcount
            connection.execute(sql.SQL("drop table {}").format(sql.Identifier("pg_temp", RESTORED)))
        connection.execute(
            "update raw.event_archives set state = 'restored', restored_at = now(),"
            " keep_until = greatest(keep_until, %s) where month = %s and file_name = %s",
            (keep_until, month, manifest.file_name),
        )
    return count


def _written(
    connection: psycopg.Connection[Any], folder: Path, month: date, tell: OnMonth
) -> Manifest | None:
    """A verified file that holds exactly what the log holds of this month; None when that is nothing."""
    earlier = in_use(connection, month)
    if earlier is not None and earlier.state == "archived":
        # Something came late: what is in the file and what is in the log become one month again.
        tell(month, "bringing the file and what came late together")
        restore_month(connection, folder, month)
    found = _digest(connection, "raw.events", month, COLUMNS)
    for manifest in read_manifests(connection):
        is_it = (manifest.row_count, manifest.row_digest) == found and manifest.column_names == list(COLUMNS)
        path = folder / manifest.file_name
        if manifest.month == month and is_it and path.is_file() and sha256_of(path) == manifest.file_sha256:
            return manifest
    if found[0] == 0:
        return None
    tell(month, f"writing {found[0]:,} events")
    with connection.transaction():
        # One state of the log for the file and its digest.
        connection.execute("set transaction isolation level repeatable read")
        written = write_month(connection, month, folder)
        count, digest = _digest(connection, "raw.events", month, COLUMNS)
    tell(month, "reading it back")
    with connection.transaction():
        read_back(connection, written.path, written.sha256, COLUMNS)
        if _digest(connection, f"pg_temp.{RESTORED}", month, COLUMNS) != (count, digest):
            written.path.unlink()
            raise ArchiveUnfaithfulError(written.path)
        connection.execute(
            _NOTE,
            {
                "month": month,
                "file_name": written.path.name,
                "row_count": count,
                "row_digest": digest,
                "column_names": list(COLUMNS),
                "file_sha256": written.sha256,
                "file_bytes": written.bytes,
            },
        )
    return next(
        manifest
        for manifest in read_manifests(connection)
        if (manifest.month, manifest.file_name) == (month, written.path.name)
    )


def _drop(connection: psycopg.Connection[Any], manifest: Manifest) -> bool:
    """Take the month off the log; False when something stands in the way for now."""
    for attempt in range(ATTEMPTS):
        try:
            with no_build_meanwhile(connection) as is_free:
                if not is_free:
                    return False
                connection.execute(
                    "select raw.drop_archived_month(%s, %s)", (manifest.month, manifest.file_name)
                )
                return True
        except psycopg.errors.LockNotAvailable:
            time.sleep(min(0.1 * 2**attempt, 2.0))
        except psycopg.errors.ObjectNotInPrerequisiteState:
            # An event came in since: the next run writes the month anew.
            return False
    return False


def _sweep(connection: psycopg.Connection[Any], folder: Path) -> None:
    """Remove what a killed run left half-written, and files that a newer one has replaced."""
    for growing in folder.glob("events-*.part"):
        growing.unlink()
    rows = connection.execute("select file_name from raw.event_archives where state = 'replaced'").fetchall()
    for (file_name,) in rows:
        (folder / file_name).unlink(missing_ok=True)


def _digest(
    connection: psycopg.Connection[Any], relation: LiteralString | str, month: date, columns: Any
) -> tuple[int, str]:
    row = connection.execute(
        "select row_count, row_digest from raw.digest_of_month(%s::regclass, %s, %s)",
        (relation, month, list(columns)),
    ).fetchone()
    return (row[0], row[1]) if row else (0, "0")


_NOTE: Final = """
    insert into raw.event_archives (
        month, file_name, state, row_count, row_digest, column_names, file_sha256, file_bytes, first_received_at
    )
    select
        %(month)s, %(file_name)s, 'written', %(row_count)s, %(row_digest)s, %(column_names)s, %(file_sha256)s,
        %(file_bytes)s, min(received_at)
    from pg_temp.rows_of_archive
    on conflict (month, file_name) do update set state = 'written', written_at = now()
"""

_RESTORE: Final = """
    insert into raw.events ({columns})
    select {columns}
    from pg_temp.rows_of_archive as archived
    where exists (
        select from raw.event_keys as keys
        where
            keys.user_id = archived.user_id
            and keys.event_id = archived.event_id
            and keys.version = archived.version
    )
    on conflict do nothing
"""
