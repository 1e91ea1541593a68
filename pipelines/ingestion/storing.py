"""Storing: staged rows become events in the log, slice by slice, each slice one transaction.

An event of a mapped file has an id made of its natural key, and no version of its own: a body that the log
does not know yet is the next version. An event in the envelope brings both along.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql

from aurora.database.partitions import ensure_partitions, month_of
from aurora.events.acceptance import AcceptedEvent, Rejected, validate
from aurora.events.ciphertext import note_hash_key
from aurora.events.storage import incoming_row, store_incoming
from aurora.events.storing_statements import INCOMING_COLUMNS, create_incoming
from pipelines.ingestion.batches import Batch, add_stored
from pipelines.ingestion.dead_letters import WITHHELD, DeadLetter, body_without_note, keep
from pipelines.ingestion.mapped_rows import Unreadable, events_of_row
from pipelines.ingestion.mapping import Mapping
from pipelines.ingestion.progress import Progress
from pipelines.ingestion.sources.records import NOT_READ, RECORDS
from pipelines.ingestion.staging import staged_rows
from pipelines.ingestion.summary import ImportSummary
from pipelines.ingestion.whose_rows import WhoseRows

SLICE_SIZE: Final = 20_000
_INCOMING: Final = "incoming_events"
_MET: Final = "events_met_in_file"


@dataclass
class _Slice:
    """What some pages of rows hold, until it is written."""

    events: list[tuple[int, AcceptedEvent]] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)


class EventStore:
    """Turns the staged rows of one batch into events, and keeps count in the summary."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        mapping: Mapping,
        batch: Batch,
        whose: WhoseRows,
        *,
        data_key: str,
        received_at: datetime,
        summary: ImportSummary,
    ) -> None:
        self._connection, self._mapping, self._batch, self._whose = connection, mapping, batch, whose
        self._data_key, self._received_at, self._summary = data_key, received_at, summary
        self._hash_key = note_hash_key(data_key)

    def store(self, broken: dict[int, list[str]], progress: Progress) -> None:
        """Store every staged row; those that are `broken` (row number → reasons) go to the dead letters."""
        staged = self._summary.rows
        progress.begin("store", staged)
        if self._mapping.is_export:
            # A row is made of as many records as it says. One that could not be read was one.
            self._summary.rows = self._summary.rows_rejected
        self._connection.execute(_CREATE_MET)
        waiting, done = _Slice(), 0
        for page in staged_rows(self._connection, self._mapping, self._batch.batch_id, self._data_key):
            self._whose.meet(cells for number, cells in page if number not in broken)
            for number, cells in page:
                self._take(number, cells, broken.get(number), waiting)
            done += len(page)
            if len(waiting.events) + len(waiting.letters) >= SLICE_SIZE:
                self._write(waiting)
                waiting = _Slice()
                progress.reach(done)
        self._write(waiting)
        progress.reach(staged)
        self._connection.execute(sql.SQL("drop table {}").format(sql.Identifier(_MET)))

    def _take(self, number: int, cells: dict[str, Any], reasons: list[str] | None, waiting: _Slice) -> None:
        """Count one row, and put what it holds into the slice."""
        summary = self._summary
        records = cells.get(RECORDS, 1) if self._mapping.is_export else 1
        if self._mapping.is_export:
            summary.rows += records
            if NOT_READ in cells:
                summary.not_read[cells[NOT_READ]] += records
                summary.rows_not_read += records
                return
        if reasons is not None:
            body = self._hidden(cells)
            waiting.letters += [DeadLetter(number, "row_expectation", reason, body) for reason in reasons]
            summary.reasons["row_expectation"] += len(reasons)
            summary.rows_rejected += records
            return
        verdicts = list(self._verdicts(cells))
        good = [verdict for verdict in verdicts if isinstance(verdict, AcceptedEvent)]
        waiting.events += [(number, event) for event in good]
        summary.types.update(event.type for event in good)
        for verdict in verdicts:
            if isinstance(verdict, Rejected):
                user = self._whose.of(cells)
                key = self._whose.person_key(user.user_id) if user and '"note"' in verdict.body else None
                body = body_without_note(verdict.body, key, self._batch.batch_id)
                user_id = user.user_id if user else None
                waiting.letters.append(DeadLetter(number, verdict.code, verdict.reason, body, user_id))
                summary.reasons[verdict.code] += 1
                summary.outcomes["rejected"] += 1
        if good:
            summary.rows_with_events += records
        elif verdicts:
            summary.rows_rejected += records
        else:
            summary.rows_empty += records

    def _verdicts(self, cells: dict[str, Any]) -> Iterator[AcceptedEvent | Rejected]:
        whose = self._whose.of(cells)
        if whose is None:
            yield Rejected("unmapped_user", self._whose.stranger(cells), self._hidden(cells))
            return
        if self._mapping.is_envelope:
            found = iter([{key: value for key, value in cells.items() if key != self._mapping.user}])
        else:
            found = events_of_row(cells, self._mapping, whose, received_at=self._received_at)
        for envelope in found:
            if isinstance(envelope, Unreadable):
                yield Rejected("invalid_payload", envelope.reason, self._hidden(cells))
                continue
            yield validate(
                envelope,
                user_id=whose.user_id,
                user_tz=whose.tz,
                received_at=self._received_at,
                hash_key=self._hash_key,
                is_import=True,
            )

    def _write(self, waiting: _Slice) -> None:
        """One slice in one transaction: its events, its dead letters and the counts of the batch."""
        connection, batch_id = self._connection, self._batch.batch_id
        # Before the transaction: a new partition locks the whole log until it is committed.
        ensure_partitions(connection, {month_of(event.started_at) for _, event in waiting.events})
        with connection.transaction():
            counts: Counter[str] = Counter()
            if waiting.events:
                self._copy(waiting.events)
                letters = [] if self._mapping.is_envelope else self._set_versions(waiting.events)
                outcomes = store_incoming(connection, _INCOMING, today=self._received_at.date())
                letters += [
                    _conflict(waiting.events, ordinal, "the log holds this version with another body")
                    for ordinal in outcomes["conflict"]
                ]
                counts.update({outcome: len(ordinals) for outcome, ordinals in outcomes.items()})
                counts["conflict"] = len(letters)
                waiting.letters += letters
                connection.execute(sql.SQL("drop table {}").format(sql.Identifier(_INCOMING)))
            keep(connection, batch_id, self._mapping.source, waiting.letters)
            add_stored(connection, batch_id, counts)
        self._summary.outcomes.update(counts)

    def _copy(self, events: Sequence[tuple[int, AcceptedEvent]]) -> None:
        self._connection.execute(create_incoming(_INCOMING))
        columns = list(INCOMING_COLUMNS)
        # Before the COPY: a connection that copies answers no question.
        keys = {event.user_id: self._whose.person_key(event.user_id) for _, event in events if event.note}
        with (
            self._connection.cursor() as cursor,
            cursor.copy(sql.SQL("copy {} from stdin").format(sql.Identifier(_INCOMING))) as copy,
        ):
            for ordinal, (_, event) in enumerate(events):
                row = incoming_row(
                    ordinal, event, person_key=keys.get(event.user_id), batch_id=self._batch.batch_id
                )
                row["payload"] = json.dumps(row["payload"])
                copy.write_row([row[column] for column in columns])
        self._connection.execute(sql.SQL("analyze {}").format(sql.Identifier(_INCOMING)))

    def _set_versions(self, events: Sequence[tuple[int, AcceptedEvent]]) -> list[DeadLetter]:
        """Give each event the version of its body, or the next one. Two bodies of a key in one file clash."""
        self._connection.execute(_MEET)
        clashing = self._connection.execute(_TAKE_CLASHING_OUT).fetchall()
        self._connection.execute(_SET_VERSIONS_OF_EXPORT if self._mapping.is_export else _SET_VERSIONS)
        return [
            _conflict(events, ordinal, "an earlier row of this file gives the same event with another body")
            for (ordinal,) in clashing
        ]

    def _hidden(self, cells: dict[str, Any]) -> str:
        """The row as it came, without its free text."""
        hidden = {column: WITHHELD for column in self._mapping.note_columns if cells.get(column)}
        return json.dumps(cells | hidden, ensure_ascii=False)


def _conflict(events: Sequence[tuple[int, AcceptedEvent]], ordinal: int, reason: str) -> DeadLetter:
    number, event = events[ordinal]
    body = {
        "event_id": str(event.event_id),
        "version": event.version,
        "type": event.type,
        "payload": event.payload,
    }
    return DeadLetter(number, "conflict", f"{event.type}: {reason}", json.dumps(body), event.user_id)


_CREATE_MET: Final = f"""
create temporary table if not exists {_MET} (
    user_id uuid, event_id uuid, body_hash bytea, primary key (user_id, event_id)
)
"""

_MEET: Final = f"""
insert into {_MET}
select distinct on (user_id, event_id) user_id, event_id, body_hash
from {_INCOMING}
order by user_id, event_id, ordinal
on conflict do nothing
"""  # noqa: S608  # names of our own temporary tables

_TAKE_CLASHING_OUT: Final = f"""
delete from {_INCOMING} as incoming
using {_MET} as met
where
    incoming.user_id = met.user_id
    and incoming.event_id = met.event_id
    and incoming.body_hash <> met.body_hash
returning incoming.ordinal
"""  # noqa: S608


def _set_versions(preferred: LiteralString) -> LiteralString:
    return f"""
with

latest as (

    select distinct on (event_keys.user_id, event_keys.event_id)
        event_keys.user_id,
        event_keys.event_id,
        event_keys.version,
        event_keys.body_hash
    from raw.event_keys as event_keys
    inner join {_INCOMING} as incoming using (user_id, event_id)
    order by event_keys.user_id, event_keys.event_id, {preferred} event_keys.version desc

)

update {_INCOMING} as incoming
set version = latest.version + case when latest.body_hash = incoming.body_hash then 0 else 1 end
from latest
where incoming.user_id = latest.user_id and incoming.event_id = latest.event_id
"""  # noqa: S608


_SET_VERSIONS: Final = _set_versions("")

_SET_VERSIONS_OF_EXPORT: Final = _set_versions("(event_keys.body_hash = incoming.body_hash) desc,")
"""An export tells all that ever was, until the day it was made. What it says of an event and an earlier version
said already is no correction: it is the older export, imported once more."""
