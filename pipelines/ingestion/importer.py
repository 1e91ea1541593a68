"""The importer: one file, one mapping, from bytes to events. `aurora import` and the landing folder call it.

    check the file → stage its rows → judge them → store what they hold → account for every row

Every step may be repeated: the same file again changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from aurora import clock
from aurora.database.connections import connect
from aurora.errors import ServiceUnavailableError
from pipelines.ingestion.batches import Batch, fingerprint, finish, opened_batch, set_state
from pipelines.ingestion.data_docs import WantedDocs
from pipelines.ingestion.dead_letters import settle, unread_rows
from pipelines.ingestion.expectations import judge
from pipelines.ingestion.exports import check_export
from pipelines.ingestion.inspection import check_kind, sha256_of
from pipelines.ingestion.mapping import Mapping
from pipelines.ingestion.progress import Progress, Silence
from pipelines.ingestion.staging import drop_rows_with_notes, is_staged, stage_rows
from pipelines.ingestion.storing import EventStore
from pipelines.ingestion.summary import ImportSummary
from pipelines.ingestion.whose_rows import WhoseRows


@dataclass(frozen=True)
class ImportRequest:
    """What to import, and for whom."""

    path: Path
    mapping: Mapping
    cohort: str | None = None
    """Of people who are made; the mapping's own when it is not said."""
    user: str | None = None
    """Whose every row of the file is: username, id, or a new name."""
    tz: str | None = None
    """Where the rows were written; else each person's own zone."""


def import_file(
    request: ImportRequest,
    *,
    postgres_url: str,
    data_key: str,
    progress: Progress | None = None,
    docs: WantedDocs | None = None,
) -> ImportSummary:
    """Import one file. What is wrong with it as a whole is raised (IngestionError) and leaves no event."""
    try:
        with staged_import(
            request, postgres_url=postgres_url, data_key=data_key, progress=progress, docs=docs
        ) as staged:
            return staged.store()
    except psycopg.OperationalError as error:
        # What is stored is stored; the next run of the same file goes on from there.
        raise ServiceUnavailableError("Postgres", str(error).strip().split("\n")[0]) from error


class StagedImport:
    """A file whose rows are staged and judged, in the hands of this process."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        request: ImportRequest,
        batch: Batch,
        whose: WhoseRows,
        broken: dict[int, list[str]],
        summary: ImportSummary,
        *,
        data_key: str,
        progress: Progress,
    ) -> None:
        self._connection, self._request, self._batch, self._whose = connection, request, batch, whose
        self._broken, self._data_key, self._progress = broken, data_key, progress
        self._began = time.perf_counter()
        self.summary = summary

    def store(self) -> ImportSummary:
        """Store the events, unless the batch is held back."""
        if self.summary.held_back_because is not None:
            return self.summary
        connection, mapping, batch_id = self._connection, self._request.mapping, self._batch.batch_id
        set_state(connection, batch_id, "storing")
        row = connection.execute("select clock_timestamp()").fetchone()
        began = row[0] if row else clock.now()
        store = EventStore(
            connection,
            mapping,
            self._batch,
            self._whose,
            data_key=self._data_key,
            received_at=clock.now(),
            summary=self.summary,
        )
        store.store(self._broken, self._progress)
        with connection.transaction():
            settle(connection, batch_id, before=began)
            drop_rows_with_notes(connection, mapping, batch_id)
            finish(
                connection,
                self._batch,
                duplicate=self.summary.outcomes["duplicate"],
                conflict=self.summary.outcomes["conflict"],
                rejected=self.summary.rejected,
                empty=self.summary.rows_empty + self.summary.rows_not_read,
            )
        self.summary.state = "done"
        self.summary.people = self._whose.count
        self.summary.zone = self._whose.only_zone()
        self.summary.seconds += time.perf_counter() - self._began
        return self.summary


@contextmanager
def staged_import(
    request: ImportRequest,
    *,
    postgres_url: str,
    data_key: str,
    progress: Progress | None = None,
    docs: WantedDocs | None = None,
) -> Iterator[StagedImport]:
    """Check the file, copy its rows and have them judged; the block may then `store` them."""
    began = time.perf_counter()
    bar = progress or Silence()
    path, mapping = request.path, _without_user_rules(request)
    cohort = request.cohort or mapping.cohort
    (check_export if mapping.is_export else check_kind)(path, mapping)
    with connect(postgres_url, autocommit=True) as connection:
        whose = WhoseRows(
            connection, mapping, cohort=cohort, data_key=data_key, user=request.user, tz=request.tz
        )
        digest = fingerprint(sha256_of(path), whose.only_person())
        today = clock.now().date()
        with opened_batch(
            connection,
            file_name=path.name,
            file_sha256=digest,
            mapping=mapping.name,
            cohort=cohort,
            arrival_date=today,
        ) as batch:
            summary = ImportSummary(path.name, mapping.name, cohort, batch.batch_id)
            if is_staged(connection, batch.batch_id, batch.row_count):
                summary.rows = batch.row_count
            else:
                summary.rows = stage_rows(
                    connection,
                    path,
                    mapping,
                    batch.batch_id,
                    arrival_date=batch.arrival_date,
                    data_key=data_key,
                    progress=bar,
                )
            unread = unread_rows(connection, batch.batch_id)
            summary.reasons.update(unread)
            summary.rows_rejected += sum(unread.values())
            judgement = judge(postgres_url, mapping, batch.batch_id, summary.rows, docs=docs)
            summary.data_docs = judgement.data_docs
            summary.held_back_because = judgement.held_back_because or _mostly_unread(summary, mapping)
            summary.seconds = time.perf_counter() - began
            if summary.held_back_because is not None:
                summary.state = "held_back"
                set_state(connection, batch.batch_id, "held_back")
            yield StagedImport(
                connection, request, batch, whose, judgement.broken, summary, data_key=data_key, progress=bar
            )


def _without_user_rules(request: ImportRequest) -> Mapping:
    """With `--user` nobody needs to read from the rows whose they are."""
    mapping = request.mapping
    if request.user is None or mapping.user is None:
        return mapping
    rules = tuple(rule for rule in mapping.rules if rule.column != mapping.user)
    return mapping.model_copy(update={"rules": rules})


def _mostly_unread(summary: ImportSummary, mapping: Mapping) -> str | None:
    if summary.rows == 0 or summary.rows_rejected / summary.rows <= mapping.max_rejected_share:
        return None
    return (
        f"{summary.rows_rejected:,} of {summary.rows:,} rows cannot be read at all, more than the "
        f"{mapping.max_rejected_share:.0%} that the mapping {mapping.name!r} allows: see raw.rejected_events"
    )
