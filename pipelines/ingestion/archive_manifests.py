"""Manifests: which months lie in which file of the archive, which are due, and whether the files are whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from aurora.database.partitions import month_of, next_month
from pipelines.ingestion.archive_files import holds_person, sha256_of


@dataclass(frozen=True)
class Manifest:
    """One file of the archive, as Postgres knows it."""

    month: date
    file_name: str
    state: str
    row_count: int
    row_digest: str
    column_names: list[str]
    file_sha256: str
    file_bytes: int
    first_received_at: datetime
    archived_at: datetime | None
    restored_at: datetime | None
    keep_until: datetime | None


def read_manifests(connection: psycopg.Connection[Any]) -> list[Manifest]:
    """Every file that counts, oldest month first."""
    with connection.cursor(row_factory=class_row(Manifest)) as cursor:
        return cursor.execute(_MANIFESTS).fetchall()


def due_months(connection: psycopg.Connection[Any], now: datetime, after: timedelta) -> list[date]:
    """Months of the log, wholly past, that were first stored longer ago than `after`, or were restored."""
    held = {
        manifest.month: manifest
        for manifest in read_manifests(connection)
        if manifest.state in {"restored", "written"}
    }
    return [
        month
        for month in months_in_log(connection)
        if next_month(month) <= month_of(now)
        and not _is_kept(held.get(month), now)
        and (month in held or _was_stored_before(connection, month, now - after))
    ]


def months_in_log(connection: psycopg.Connection[Any]) -> list[date]:
    """The months that have a partition, oldest first."""
    rows = connection.execute(_PARTITIONS).fetchall()
    return [month for (month,) in rows]


def find_damage(connection: psycopg.Connection[Any], folder: Path) -> dict[str, str]:
    """Files that are the only copy of a month and are missing or changed: name → what is wrong."""
    damage = {}
    for manifest in read_manifests(connection):
        path = folder / manifest.file_name
        if not path.is_file():
            damage[manifest.file_name] = "missing"
        elif sha256_of(path) != manifest.file_sha256:
            damage[manifest.file_name] = "changed"
    return damage


def months_of_person(connection: psycopg.Connection[Any], folder: Path, user_id: UUID) -> list[date]:
    """The months whose files hold this person. Who erases them deletes their rows and keys, then restores these
    months: the next run writes the files anew, without them, and removes the old ones.
    """
    return [
        manifest.month
        for manifest in read_manifests(connection)
        if manifest.state != "written" and holds_person(folder / manifest.file_name, user_id)
    ]


def in_use(connection: psycopg.Connection[Any], month: date) -> Manifest | None:
    """The file that holds what was archived of a month."""
    found = [
        manifest
        for manifest in read_manifests(connection)
        if manifest.month == month and manifest.state in {"archived", "restored"}
    ]
    return found[0] if found else None


def _is_kept(manifest: Manifest | None, now: datetime) -> bool:
    return manifest is not None and manifest.keep_until is not None and manifest.keep_until > now


def _was_stored_before(connection: psycopg.Connection[Any], month: date, instant: datetime) -> bool:
    row = connection.execute(
        _STORED_BEFORE,
        {
            "first": f"{month.isoformat()} 00:00+00",
            "end": f"{next_month(month).isoformat()} 00:00+00",
            "instant": instant,
        },
    ).fetchone()
    return bool(row and row[0])


_MANIFESTS: Final = """
    select
        month, file_name, state, row_count, row_digest, column_names, file_sha256, file_bytes,
        first_received_at, archived_at, restored_at, keep_until
    from raw.event_archives
    where state <> 'replaced'
    order by month, written_at
"""

_PARTITIONS: Final = """
    select to_date(right(relname, 7), 'YYYY_MM') as month
    from pg_inherits
    inner join pg_class on pg_inherits.inhrelid = pg_class.oid
    where pg_inherits.inhparent = 'raw.events'::regclass
    order by month
"""

# The start of the row range: the index on received_at answers without reading the month.
_STORED_BEFORE: Final = """
    select exists (
        select from raw.events
        where
            started_at >= %(first)s::timestamptz
            and started_at < %(end)s::timestamptz
            and received_at < %(instant)s
    )
"""
