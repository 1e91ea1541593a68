"""Archive files: a month of the log as Parquet, and back into Postgres.

A file holds every column of the log as it was, sorted by person; ids and payloads as text, free text as the
ciphertext that it is. It is written beside its name, flushed to the disk, and renamed: a file that has its name
is whole.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import BigInteger, Boolean, Date, DateTime, Integer, LargeBinary
from sqlalchemy.types import TypeEngine

from aurora.database import tables
from aurora.database.partitions import next_month
from aurora.errors import AuroraError

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_AT_ONCE: Final = 20_000
RESTORED: Final = "rows_of_archive"
"""The temporary table that a file is read back into."""

_ARROW_TYPES: Final[dict[type[TypeEngine[Any]], str]] = {
    # A big integer is an integer as well: it comes first.
    BigInteger: "int64",
    Integer: "int32",
    Boolean: "bool",
    Date: "date32",
    LargeBinary: "binary",
}
"""By Arrow's names. Everything else is text: ids, and payloads as JSON."""

COLUMNS: Final = tuple(tables.events.columns.keys())


class ArchiveFileError(AuroraError):
    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"the archive file {path} {problem}; put back a copy of it, then run this again")


@dataclass(frozen=True)
class MonthFile:
    """One file as it was written."""

    path: Path
    sha256: str
    bytes: int


def write_month(connection: psycopg.Connection[Any], month: date, folder: Path) -> MonthFile:
    """Write what the log holds of a month. Runs in the caller's transaction, which decides what that is."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    growing = folder / f"events-{month:%Y-%m}.part"
    schema = _schema().with_metadata({"aurora.month": month.isoformat(), "aurora.table": "raw.events"})
    connection.execute("set local timezone to 'UTC'")
    with growing.open("wb") as file:
        growing.chmod(0o600)
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for rows in _rows_of_month(connection, month):
                columns = [
                    pa.array(values, field.type)
                    for values, field in zip(zip(*rows, strict=True), schema, strict=True)
                ]
                writer.write_batch(pa.record_batch(columns, schema=schema))
        file.flush()
        os.fsync(file.fileno())
    digest = sha256_of(growing)
    path = folder / f"events-{month:%Y-%m}-{digest[:12]}.parquet"
    growing.replace(path)
    _flush_folder(folder)
    return MonthFile(path, digest, path.stat().st_size)


def read_back(connection: psycopg.Connection[Any], path: Path, sha256: str, columns: Sequence[str]) -> None:
    """Read a file into a temporary table of the log's columns, in the caller's transaction."""
    import pyarrow.parquet as pq

    if not path.is_file():
        raise ArchiveFileError(path, "is not there")
    if sha256_of(path) != sha256:
        raise ArchiveFileError(path, "is not the one that was written (its SHA-256 differs)")
    connection.execute(
        sql.SQL("create temporary table {} (like raw.events) on commit drop").format(sql.Identifier(RESTORED))
    )
    statement = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier(RESTORED), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with (
        pq.ParquetFile(path) as file,
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=list(columns)):
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                copy.write_row(row)


def holds_person(path: Path, user_id: UUID) -> bool:
    """Whether any row of a file is this person's. Files are sorted by person: most of it is not even read."""
    import pyarrow.parquet as pq

    rows = pq.read_table(path, columns=["user_id"], filters=[("user_id", "=", str(user_id))])
    return rows.num_rows > 0


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _rows_of_month(connection: psycopg.Connection[Any], month: date) -> Iterator[list[tuple[Any, ...]]]:
    import pyarrow as pa

    columns = [
        sql.SQL("{}::text").format(sql.Identifier(column.name))
        if _arrow_type(column.type) == pa.string()
        else sql.Identifier(column.name)
        for column in tables.events.columns
    ]
    query = sql.SQL(
        "select {columns} from raw.events where started_at >= {first}::timestamptz"
        " and started_at < {end}::timestamptz order by user_id, started_at, event_id, version"
    ).format(
        columns=sql.SQL(", ").join(columns),
        first=sql.Literal(f"{month.isoformat()} 00:00+00"),
        end=sql.Literal(f"{next_month(month).isoformat()} 00:00+00"),
    )
    with connection.cursor(name="month_to_archive") as cursor:
        cursor.itersize = ROWS_AT_ONCE
        cursor.execute(query)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield rows


def _schema() -> pa.Schema:
    import pyarrow as pa

    return pa.schema([pa.field(column.name, _arrow_type(column.type)) for column in tables.events.columns])


def _arrow_type(kind: TypeEngine[Any]) -> pa.DataType:
    import pyarrow as pa

    if isinstance(kind, DateTime):
        return pa.timestamp("us", "UTC" if kind.timezone else None)
    name = next((arrow for sort, arrow in _ARROW_TYPES.items() if isinstance(kind, sort)), "string")
    return pa.type_for_alias(name)


def _flush_folder(folder: Path) -> None:
    """A rename is on the disk when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
