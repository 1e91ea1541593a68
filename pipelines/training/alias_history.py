"""The history of aliases in Postgres: which version was champion when, why, by which run or by whom.

What a rollback goes back to, and what the gate asks of a recipe that was rolled back, is read from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg
from psycopg.rows import class_row, tuple_row

from aurora.predictions.artifact import ArtifactMetadata
from aurora.predictions.storage import CHALLENGER, CHAMPION

Kind = Literal["gate", "promote", "rollback", "mlflow"]
"""What moved an alias: the gate, one of the two commands, or a hand in MLflow."""


@dataclass(frozen=True)
class Cause:
    """Why an alias moves: the sentences of the gate or of a person, and who or which run of Dagster it was."""

    kind: Kind
    reason: str
    moved_by: str | None = None
    dagster_run_id: str | None = None


@dataclass(frozen=True)
class PastMove:
    """One move of the alias `champion`, from `previous` to `version`; None is no version."""

    version: str | None
    previous: str | None
    kind: Kind
    moved_at: datetime


@dataclass(frozen=True)
class TakenBack:
    """What was rolled back since the last version was promoted, and when last."""

    versions: tuple[str, ...]
    fingerprints: frozenset[str]
    at: datetime

    def concerns(self, metadata: ArtifactMetadata) -> bool:
        """Whether this is a version of the same recipe."""
        return metadata.fingerprint in self.fingerprints


def record_move(
    connection: psycopg.Connection[Any],
    name: str,
    alias: str,
    version: str | None,
    previous: str | None,
    cause: Cause,
    run_id: str | None,
) -> None:
    """Write one move down. `run_id` is the MLflow run that made the version."""
    connection.execute(
        """
        insert into predictions.model_alias_history (
            model_name, alias, model_version, previous_version, reason, run_id, kind, moved_by, dagster_run_id
        )
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        [
            name,
            alias,
            version,
            previous,
            cause.reason,
            run_id,
            cause.kind,
            cause.moved_by,
            cause.dagster_run_id,
        ],
    )


def read_champions(connection: psycopg.Connection[Any], name: str) -> list[PastMove]:
    """Every move of a registered model's champion, oldest first."""
    cursor = connection.cursor(row_factory=class_row(PastMove))
    cursor.execute(
        """
        select model_version as version, previous_version as previous, kind, moved_at
        from predictions.model_alias_history
        where model_name = %s and alias = %s
        order by move_id
        """,
        [name, CHAMPION],
    )
    return cursor.fetchall()


def is_set_by_a_person(
    connection: psycopg.Connection[Any], name: str, challenger: str, training: Cause
) -> bool:
    """Whether a person wants this challenger in the shadow, so that `training` must not take it away.

    One that a hand set in MLflow (the history may not know yet) stays until a person moves it. One that a training by
    hand left there stays through the nightly jobs, until somebody trains by hand again.
    """
    cursor = connection.cursor(row_factory=tuple_row)
    cursor.execute(
        """
        select model_version, kind, dagster_run_id
        from predictions.model_alias_history
        where model_name = %s and alias = %s
        order by move_id desc
        limit 1
        """,
        [name, CHALLENGER],
    )
    for version, kind, dagster_run_id in cursor.fetchall():
        if version == challenger and kind != "mlflow":
            return dagster_run_id is None and training.dagster_run_id is not None
    return True


def version_before(moves: Sequence[PastMove]) -> str | None:
    """The champion that the one now replaced; None when there was none.

    A rollback takes its version off again: the next one goes further back instead of to and fro.
    """
    kept: list[str] = []
    for move in moves:
        if move.version is None:
            continue
        if move.kind == "rollback" and move.version in kept:
            while kept[-1] != move.version:
                kept.pop()
        elif kept[-1:] != [move.version]:
            kept.append(move.version)
    if moves and moves[-1].version is not None:
        kept.pop()
    return kept[-1] if kept else None


def read_taken_back(connection: psycopg.Connection[Any], name: str) -> TakenBack | None:
    """What was rolled back and not overruled since; None when the last move was none."""
    moves = read_champions(connection, name)
    versions = versions_taken_back(moves)
    if not versions:
        return None
    cursor = connection.cursor(row_factory=tuple_row)
    cursor.execute(
        """
        select metadata ->> 'fingerprint'
        from predictions.model_artifacts
        where model_name = %s and model_version = any(%s)
        """,
        [name, list(versions)],
    )
    found = frozenset(fingerprint for (fingerprint,) in cursor.fetchall())
    return TakenBack(versions, found, moves[-1].moved_at)


def versions_taken_back(moves: Sequence[PastMove]) -> tuple[str, ...]:
    """The versions that the rollbacks at the end of the history took back, the last one first."""
    versions: list[str] = []
    for move in reversed(moves):
        if move.kind != "rollback":
            break
        if move.previous is not None:
            versions.append(move.previous)
    return tuple(versions)
