"""Batches: the state of each import in `raw.import_batches`, and the lock that lets one process work on it.

    copying ──▶ storing ──▶ done
       │           ▲
       ├──▶ held_back (a later run judges it again)
       └──▶ failed

An import that was killed is taken up again by the next run of the same file: rows are copied in one
transaction, so they are there or not; events are stored slice by slice, and those that are already in the log
count as this batch's own.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid5

import psycopg

from aurora.database.locks import PATIENCE, session_lock
from aurora.events.people import NAMESPACE
from pipelines.ingestion.errors import ImportRunningError


@dataclass(frozen=True)
class Batch:
    """One imported file, as the database knows it at the start of a run."""

    batch_id: UUID
    arrival_date: date
    state: str
    row_count: int
    accepted: int
    superseded: int


def fingerprint(sha256: str, user_id: UUID | None) -> str:
    """What `file_sha256` holds: the digest of the file; with `--user`, of the file as that person's."""
    return sha256 if user_id is None else hashlib.sha256(f"{sha256}:{user_id}".encode()).hexdigest()


@contextmanager
def opened_batch(
    connection: psycopg.Connection[Any],
    *,
    file_name: str,
    file_sha256: str,
    mapping: str,
    cohort: str,
    arrival_date: date,
) -> Iterator[Batch]:
    """The batch of this file, made when it is new and locked. It has `failed` when the block raises."""
    batch_id = uuid5(NAMESPACE, f"{file_sha256}:{mapping}:{cohort}")
    with session_lock(connection, f"aurora.import {batch_id}", patience=PATIENCE) as is_mine:
        if not is_mine:
            raise ImportRunningError(file_name)
        connection.execute(
            "insert into raw.import_batches"
            " (batch_id, file_name, file_sha256, mapping, cohort, arrival_date, state)"
            " values (%s, %s, %s, %s, %s, %s, 'copying') on conflict do nothing",
            (batch_id, file_name, file_sha256, mapping, cohort, arrival_date),
        )
        found = connection.execute(
            "select batch_id, arrival_date, state, row_count, accepted, superseded"
            " from raw.import_batches where batch_id = %s",
            (batch_id,),
        ).fetchone()
        assert found is not None  # noqa: S101  # inserted above when it was not there
        batch = Batch(*found)
        try:
            yield batch
        except Exception:
            if not connection.closed and batch.state != "done":
                set_state(connection, batch_id, "failed")
            raise


def set_state(connection: psycopg.Connection[Any], batch_id: UUID, state: str) -> None:
    """Move a batch to a state; `finished_at` is set at the last ones."""
    connection.execute(
        "update raw.import_batches set state = %(state)s,"
        " finished_at = case when %(state)s in ('done', 'failed', 'held_back') then now() end"
        " where batch_id = %(batch_id)s",
        {"state": state, "batch_id": batch_id},
    )


def add_stored(connection: psycopg.Connection[Any], batch_id: UUID, outcomes: Counter[str]) -> None:
    """Count events that entered the log, in the transaction that stored them."""
    connection.execute(
        "update raw.import_batches set accepted = accepted + %s, superseded = superseded + %s"
        " where batch_id = %s",
        (outcomes["accepted"], outcomes["superseded"], batch_id),
    )


def finish(
    connection: psycopg.Connection[Any],
    batch: Batch,
    *,
    duplicate: int,
    conflict: int,
    rejected: int,
    empty: int,
) -> None:
    """The run has gone through the whole file.

    Duplicates that this batch itself had stored in an earlier run stay counted as accepted.
    """
    earlier = batch.accepted + batch.superseded
    connection.execute(
        "update raw.import_batches set state = 'done', finished_at = now(), duplicate = %s, conflict = %s,"
        " rejected = %s, empty = %s where batch_id = %s",
        (max(0, duplicate - earlier), conflict, rejected, empty, batch.batch_id),
    )
