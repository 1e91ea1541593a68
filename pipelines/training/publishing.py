"""Publishing: whatever the aliases in MLflow say now becomes true in Postgres, for serving and streams.

The artifact behind each alias is copied with its hash, the move is written to the history, and everybody who
listens is told. It does not matter who moved the alias: the gate, a command, or a hand in MLflow's UI. What was
made for another model or cohort is not published, whoever put an alias on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb
from pydantic import BaseModel, ValidationError

from aurora.errors import AuroraError
from aurora.models.catalogue import MODELS, registered_name
from aurora.predictions.artifact import ArtifactMetadata, digest
from aurora.predictions.predictor import Predictor
from aurora.predictions.storage import CHALLENGER, CHAMPION, CHANNEL
from pipelines.training.alias_history import Cause, record_move
from pipelines.training.champion import download_artifact, version_under
from pipelines.training.tracking import connect

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import RegisteredModel

MOVED_BY_HAND = Cause("mlflow", "moved in MLflow")
REMOVED = Cause("mlflow", "removed in MLflow")
_LOCK = "aurora.publish_aliases"

Alias = tuple[str, str]
"""Registered name and alias."""


class ForeignVersionError(AuroraError):
    """Nothing forces it: a model of simulated people never answers a real one."""

    def __init__(self, name: str, version: str, metadata: ArtifactMetadata) -> None:
        super().__init__(
            f"{name} version {version} is a model of {metadata.model_name} for cohort {metadata.cohort}"
        )


class NumberTakenError(AuroraError):
    """An MLflow that was set up anew counts from one again."""

    def __init__(self, name: str, version: str, run_id: str) -> None:
        super().__init__(f"Postgres has version {version} of {name} already, of another run ({run_id})")


class _Word(BaseModel):
    """Why an alias points where it does. It is left with the alias in MLflow until the move is published."""

    version: str | None
    cause: Cause


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


def move_alias(client: MlflowClient, name: str, alias: str, version: str | None, cause: Cause) -> None:
    """Point an alias in MLflow at a version, or at none, and leave word why: who publishes it may be another."""
    if version_under(client, name, alias) == version:
        return
    word = _Word(version=version, cause=replace(cause, reason=cause.reason[:4000]))
    client.set_registered_model_tag(name, _place_of_word(alias), word.model_dump_json())
    if version is None:
        client.delete_registered_model_alias(name, alias)
    else:
        client.set_registered_model_alias(name, alias, version)


def refuse_foreign(name: str, version: str, metadata: ArtifactMetadata) -> None:
    """ForeignVersionError for a version that says of itself that it belongs under another name."""
    if registered_name(metadata.model_name, metadata.cohort) != name:
        raise ForeignVersionError(name, version, metadata)


def publish_aliases(connection: psycopg.Connection[Any], mlflow_uri: str) -> Published:
    """Make Postgres agree with the aliases in MLflow. Idempotent.

    `connection` should be in autocommit. An alias that cannot be published keeps nothing else from it.
    """
    client = connect(mlflow_uri)
    moves: list[AliasMove] = []
    problems: list[str] = []
    with connection.transaction():
        # One publisher at a time: two would both see the old alias and both write the move.
        connection.execute("select pg_advisory_xact_lock(hashtext(%s))", [_LOCK])
        # Read only now: what MLflow said while another publisher was at work may be the alias before it.
        registry, held = _Registry.read(client), _aliases_in_postgres(connection)
        for key in sorted(registry.aliases.keys() | held.keys()):
            name, alias = key
            version = registry.aliases.get(key)
            if version == held.get(key):
                continue
            if name not in registry.names:
                problems.append(
                    f"{name} is not in MLflow at all, so its {alias} stays: is this the right MLflow?"
                )
                continue
            move = AliasMove(name, alias, version, held.get(key), registry.cause(key))
            try:
                _apply(connection, client, move)
                moves.append(move)
            except AuroraError as error:
                problems.append(f"{name} version {version} under {alias}: {error}")
        # While the lock is held: after it the word could be that of the next move.
        for move in moves:
            if (move.name, move.alias) in registry.words:
                client.delete_registered_model_tag(move.name, _place_of_word(move.alias))
    return Published(tuple(moves), tuple(problems))


def _place_of_word(alias: str) -> str:
    return f"moved.{alias}"


@dataclass(frozen=True)
class _Registry:
    """What MLflow says of the models that the catalogue knows."""

    names: frozenset[str]
    aliases: dict[Alias, str]
    words: dict[Alias, str]

    @classmethod
    def read(cls, client: MlflowClient) -> _Registry:
        models: list[RegisteredModel] = []
        token: str | None = None
        while True:
            page = client.search_registered_models(max_results=100, page_token=token)
            models += [model for model in page if model.name.split(".")[0] in MODELS]
            token = page.token
            if not token:
                break
        aliases = {
            (model.name, alias): str(number) for model in models for alias, number in model.aliases.items()
        }
        words = {
            (model.name, alias): model.tags[_place_of_word(alias)]
            for model in models
            for alias in (CHAMPION, CHALLENGER)
            if _place_of_word(alias) in model.tags
        }
        return cls(frozenset(model.name for model in models), aliases, words)

    def cause(self, key: Alias) -> Cause:
        """The word that was left with this move; a hand in MLflow leaves none, or one of a move before."""
        version = self.aliases.get(key)
        try:
            word = _Word.model_validate_json(self.words.get(key, ""))
        except ValidationError:
            word = None
        if word and word.version == version:
            return word.cause
        return MOVED_BY_HAND if version else REMOVED


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
    """Copy a version's artifact, after seeing whose it is and that all of it loads: else it must not reach serving."""
    cursor = connection.cursor(row_factory=tuple_row)
    cursor.execute(
        "select mlflow_run_id from predictions.model_artifacts where model_name = %s and model_version = %s",
        [name, version],
    )
    for (known,) in cursor.fetchall():
        if known != run_id:
            raise NumberTakenError(name, version, known)
        return
    artifact = download_artifact(name, version)
    predictor = Predictor.load(artifact).loaded_whole()
    refuse_foreign(name, version, predictor.metadata)
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
