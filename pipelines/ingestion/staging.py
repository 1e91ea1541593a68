"""Staging: the rows of a file into `raw.import_rows` as they came, in one transaction: all of them or none.

Free text is sealed under the system's data key on its way, and the rows that hold it are taken away again as
soon as the batch is done: only the log keeps it, under the person's own key.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5

import psycopg

from aurora.events.ciphertext import open_for_now, seal_for_now
from pipelines.ingestion.dead_letters import DeadLetter, keep
from pipelines.ingestion.exports import read_export
from pipelines.ingestion.inspection import size_of
from pipelines.ingestion.mapping import Mapping
from pipelines.ingestion.progress import Progress
from pipelines.ingestion.reading import read_chunks

PAGE_ROWS: Final = 10_000


def stage_rows(
    connection: psycopg.Connection[Any],
    path: Path,
    mapping: Mapping,
    batch_id: UUID,
    *,
    arrival_date: date,
    data_key: str,
    progress: Progress,
) -> int:
    """Copy the file's rows; returns how many rows the file has, the unreadable ones included."""
    progress.begin("read", size_of(path))
    read = read_export if mapping.is_export else read_chunks
    chunks = read(path, mapping, progress.reach)
    total = 0
    with connection.transaction():
        connection.execute("delete from raw.import_rows where batch_id = %s", (batch_id,))
        for chunk in chunks:
            total += len(chunk)
            with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
                for number, body in chunk.rows:
                    sealed = _sealed(body, mapping, batch_id, number, data_key)
                    copy.write_row((batch_id, number, sealed, arrival_date))
            keep(
                connection,
                batch_id,
                mapping.source,
                [DeadLetter(bad.row_number, bad.code, bad.reason, bad.body) for bad in chunk.bad],
            )
        connection.execute(
            "update raw.import_batches set row_count = %s, state = 'copying', finished_at = null"
            " where batch_id = %s",
            (total, batch_id),
        )
    return total


def is_staged(connection: psycopg.Connection[Any], batch_id: UUID, row_count: int) -> bool:
    """Whether all rows of the batch are there, so that the file need not be read again."""
    if row_count == 0:
        return False
    row = connection.execute(
        "select (select count(*) from raw.import_rows where batch_id = %(id)s)"
        " + (select count(*) from raw.rejected_events"
        "    where batch_id = %(id)s and reason_code in ('undecodable', 'too_large'))",
        {"id": batch_id},
    ).fetchone()
    return row is not None and row[0] == row_count


def staged_rows(
    connection: psycopg.Connection[Any], mapping: Mapping, batch_id: UUID, data_key: str
) -> Iterator[list[tuple[int, dict[str, Any]]]]:
    """The staged rows in order, page by page, with their free text readable again."""
    last = 0
    while True:
        page = connection.execute(
            "select row_number, body from raw.import_rows where batch_id = %s and row_number > %s"
            " order by row_number limit %s",
            (batch_id, last, PAGE_ROWS),
        ).fetchall()
        if not page:
            return
        last = page[-1][0]
        for number, body in page:
            _unseal(body, mapping, batch_id, number, data_key)
        yield page


def drop_rows_with_notes(connection: psycopg.Connection[Any], mapping: Mapping, batch_id: UUID) -> None:
    """Take away the staged rows of a file with free text."""
    if not mapping.note_columns:
        return
    for column in mapping.note_columns:
        found = connection.execute(
            "select 1 from raw.import_rows where batch_id = %s and body -> %s -> 'sealed' is not null"
            " limit 1",
            (batch_id, column),
        ).fetchone()
        if found:
            connection.execute("delete from raw.import_rows where batch_id = %s", (batch_id,))
            return


_COPY: Final = "copy raw.import_rows (batch_id, row_number, body, arrival_date) from stdin"


def _sealed(body: str, mapping: Mapping, batch_id: UUID, number: int, data_key: str) -> str:
    if not any(f'"{column}"' in body for column in mapping.note_columns):
        return body
    cells = json.loads(body)
    for column in mapping.note_columns:
        if cells.get(column) is not None:
            # Sealed whatever it is: a source that sends {"sealed": …} itself is then only odd, not a way in.
            text = json.dumps(cells[column])
            sealed = seal_for_now(data_key, _row_id(batch_id, number), text)
            cells[column] = {"sealed": sealed.hex()}
    return json.dumps(cells, ensure_ascii=False)


def _unseal(cells: dict[str, Any], mapping: Mapping, batch_id: UUID, number: int, data_key: str) -> None:
    for column in mapping.note_columns:
        if cells.get(column) is not None:
            sealed = bytes.fromhex(cells[column]["sealed"])
            cells[column] = json.loads(open_for_now(data_key, _row_id(batch_id, number), sealed))


def _row_id(batch_id: UUID, number: int) -> UUID:
    return uuid5(batch_id, str(number))
