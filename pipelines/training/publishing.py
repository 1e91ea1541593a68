"""Publishing: whatever the aliases in MLflow say now becomes true in Postgres, for serving and streams.

The artifact behind each alias is copied with its hash, the move is written to the history, and everybody who
listens is told. It does not matter who moved the alias: the gate, a command, or a hand in MLflow's UI.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from aurora.errors import AuroraError
from aurora.models.catalogue import MODELS
from aurora.predictions.artifact import digest
from aurora.predictions.predictor import Predictor
from aurora.predictions.storage import CHANNEL
from pipelines.training.alias_history import Cause, record_move
from pipelines.training.champion import download_artifact
from pipelines.training.tracking import connect

if TYPE_CHECKING:
    from mlflow import MlflowClient

MOVED_BY_HAND = Cause("mlflow", "moved in MLflow")
REMOVED = Cause("mlflow", "removed in MLflow")
_LOCK = "aurora.publish_aliases"


@dataclass(frozen=True)
class AliasMove:
    """One alias that now points elsewhere; `version` None when it was removed."""

    name: str
    alias: str
    version: str | None
    previous: str | None
    cause: Cause


@dataclass(frozen=True)
class Published:
    """What publishing changed, and what it could not publish, in words."""

    moves: tuple[AliasMove, ...]
    problems: tuple[str, ...]


@contextmanager
def alone(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Nobody else publishes until the block ends.

    Between moving an alias in MLflow and publishing it, the sensor would publish it first, and write to the
    history that somebody had moved it in MLflow. The connection must be in autocommit.
    """
    connection.execute("select pg_advisory_lock(hashtext(%s))", [_LOCK])
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("select pg_advisory_unlock(hashtext(%s))", [_LOCK])


def publish_aliases(
    connection: psycopg.Connection[Any],
    mlflow_uri: str,
    *,
    causes: Mapping[tuple[str, str], Cause] | None = None,
) -> Published:
    """Make Postgres agree with the aliases in MLflow. Idempotent; `causes` are by (registered name, alias).

    Whoever has a cause to tell moves the alias and publishes it inside `alone`.
    """
    client = connect(mlflow_uri)
    moves: list[AliasMove] = []
    problems: list[str] = []
    with connection.transaction():
        # One publisher at a time: two would both see the old alias and both write the move.
        connection.execute("select pg_advisory_xact_lock(hashtext(%s))", [_LOCK])
        # Read only now: what MLflow said while another publisher was at work may be the alias before it.
        wanted, held = _aliases_in_registry(client), _aliases_in_postgres(connection)
        for key in sorted(wanted.keys() | held.keys()):
            name, alias = key
            if wanted.get(key) == held.get(key):
                continue
            version = wanted.get(key)
            cause = (causes or {}).get(key, MOVED_BY_HAND if version else REMOVED)
            move = AliasMove(name, alias, version, held.get(key), cause)
            try:
                _apply(connection, client, move)
                moves.append(move)
            except AuroraError as error:
                problems.append(f"{name} version {version} under {alias}: {error}")
    return Published(tuple(moves), tuple(problems))


def _aliases_in_registry(client: MlflowClient) -> dict[tuple[str, str], str]:
    """(registered name, alias) → version, of the models that the catalogue knows."""
    aliases = {}
    token: str | None = None
    while True:
        page = client.search_registered_models(max_results=100, page_token=token)
        for model in page:
            if model.name.split(".")[0] in MODELS:
                aliases |= {(model.name, alias): str(number) for alias, number in model.aliases.items()}
        token = page.token
        if not token:
            return aliases


def _aliases_in_postgres(connection: psycopg.Connection[Any]) -> dict[tuple[str, str], str]:
    cursor = connection.cursor(row_factory=tuple_row)
    cursor.execute("select model_name, alias, model_version from predictions.model_aliases")
    return {(name, alias): version for name, alias, version in cursor.fetchall()}


def _apply(connection: psycopg.Connection[Any], client: MlflowClient, move: AliasMove) -> None:
    run_id = None
    if move.version is None:
        connection.execute(
            "delete from predictions.model_aliases where model_name = %s and alias = %s",
            [move.name, move.alias],
        )
    else:
        run_id = client.get_model_version(move.name, move.version).run_id
        _copy_artifact(connection, move.name, move.version, run_id)
        connection.execute(
            """
            insert into predictions.model_aliases (model_name, alias, model_version) values (%s, %s, %s)
            on conflict (model_name, alias) do update
            set model_version = excluded.model_version, moved_at = now()
            """,
            [move.name, move.alias, move.version],
        )
    record_move(connection, move.name, move.alias, move.version, move.previous, move.cause, run_id)
    connection.execute("select pg_notify(%s, %s)", [CHANNEL, move.name])


def _copy_artifact(connection: psycopg.Connection[Any], name: str, version: str, run_id: str | None) -> None:
    """Copy a version's artifact, after seeing that all of it loads: what does not load must not reach serving."""
    known = connection.execute(
        "select 1 from predictions.model_artifacts where model_name = %s and model_version = %s",
        [name, version],
    ).fetchone()
    if known:
        return
    artifact = download_artifact(name, version)
    predictor = Predictor.load(artifact).loaded_whole()
    connection.execute(
        """
        insert into predictions.model_artifacts
            (model_name, model_version, mlflow_run_id, artifact, sha256, metadata)
        values (%s, %s, %s, %s, %s, %s)
        """,
        [
            name,
            version,
            run_id,
            artifact,
            digest(artifact),
            Jsonb(predictor.metadata.model_dump(mode="json")),
        ],
    )
