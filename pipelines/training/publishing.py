"""Publishing: whatever the aliases in MLflow say now becomes true in Postgres, for serving and streams.

The artifact behind each alias is copied with its hash, the move is written to the history, and everybody who
listens is told. It does not matter who moved the alias: the gate, a command, or a hand in MLflow's UI.
"""

from __future__ import annotations

from collections.abc import Mapping
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
from pipelines.training.champion import download_artifact
from pipelines.training.tracking import connect

if TYPE_CHECKING:
    from mlflow import MlflowClient

MOVED_BY_HAND = "moved in MLflow"
REMOVED = "removed in MLflow"


@dataclass(frozen=True)
class AliasMove:
    """One alias that now points elsewhere; `version` None when it was removed."""

    name: str
    alias: str
    version: str | None
    previous: str | None
    reason: str


@dataclass(frozen=True)
class Published:
    """What publishing changed, and what it could not publish, in words."""

    moves: tuple[AliasMove, ...]
    problems: tuple[str, ...]


def publish_aliases(
    connection: psycopg.Connection[Any],
    mlflow_uri: str,
    *,
    reasons: Mapping[tuple[str, str], str] | None = None,
) -> Published:
    """Make Postgres agree with the aliases in MLflow. Idempotent; `reasons` are by (registered name,
    alias).
    """
    client = connect(mlflow_uri)
    wanted = _aliases_in_registry(client)
    moves: list[AliasMove] = []
    problems: list[str] = []
    with connection.transaction():
        # One publisher at a time: two would both see the old alias and both write the move.
        connection.execute("select pg_advisory_xact_lock(hashtext('aurora.publish_aliases'))")
        held = _aliases_in_postgres(connection)
        for key in sorted(wanted.keys() | held.keys()):
            name, alias = key
            if wanted.get(key) == held.get(key):
                continue
            version = wanted.get(key)
            reason = (reasons or {}).get(key, MOVED_BY_HAND if version else REMOVED)
            move = AliasMove(name, alias, version, held.get(key), reason)
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
    connection.execute(
        """
        insert into predictions.model_alias_history
            (model_name, alias, model_version, previous_version, reason, run_id)
        values (%s, %s, %s, %s, %s, %s)
        """,
        [move.name, move.alias, move.version, move.previous, move.reason, run_id],
    )
    connection.execute("select pg_notify(%s, %s)", [CHANNEL, move.name])


def _copy_artifact(connection: psycopg.Connection[Any], name: str, version: str, run_id: str | None) -> None:
    """Copy a version's artifact, after seeing that it loads: what does not load must not reach serving."""
    known = connection.execute(
        "select 1 from predictions.model_artifacts where model_name = %s and model_version = %s",
        [name, version],
    ).fetchone()
    if known:
        return
    artifact = _download(name, version)
    predictor = Predictor.load(artifact)
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


class ArtifactNotFoundError(AuroraError):
    def __init__(self, name: str, version: str) -> None:
        super().__init__(
            f"{name} version {version} holds no predictor; only AURORA's own models can be served"
        )


def _download(name: str, version: str) -> bytes:
    from mlflow.exceptions import MlflowException

    try:
        return download_artifact(name, version)
    except (MlflowException, OSError) as error:
        raise ArtifactNotFoundError(name, version) from error
