"""The pass over the log when the zone data change, the archive included.

An archived month whose events would lie elsewhere by the new data is put back first; all others stay where they
are. `aurora recompute-local-days` and the Dagster job of that name call this.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import psycopg

from aurora import clock
from aurora.database.zone_data import computed_with
from aurora.events.local_days import (
    LocalTimes,
    OnPeople,
    Recomputation,
    has_changed,
    local_times_of,
    recompute_local_days,
)
from pipelines.ingestion.archive import restore_month
from pipelines.ingestion.archive_manifests import read_manifests

_COLUMNS: Final = ("type", "started_at", "ended_at", "tz", "precision", *LocalTimes.__dataclass_fields__)


@dataclass(frozen=True)
class Pass:
    """What was found in the log, and which archived months came back for it."""

    log: Recomputation
    restored: tuple[date, ...] = ()


def follow_zone_data(
    connection: psycopg.Connection[Any],
    archive_dir: Path,
    *,
    again: bool = False,
    on_people: OnPeople | None = None,
) -> Pass:
    """Make log and archive agree with the present zone data, on an autocommit connection."""
    restored = []
    if again or computed_with(connection) != clock.data_version():
        for manifest in read_manifests(connection):
            if manifest.state == "archived" and _differs(archive_dir / manifest.file_name):
                restore_month(connection, archive_dir, manifest.month)
                restored.append(manifest.month)
    return Pass(recompute_local_days(connection, again=again, on_people=on_people), tuple(restored))


def _differs(path: Path) -> bool:
    """Whether any event of this file would get other local times now. A missing file is found by the restore."""
    return not path.is_file() or any(has_changed(event, local_times_of(event)) for event in _events(path))


def _events(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=list(dict.fromkeys(_COLUMNS))):
            yield from batch.to_pylist()
