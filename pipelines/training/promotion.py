"""Promote and roll back: a person moves the champion, and the history says who and why.

Both move the alias in MLflow and publish it, so that serving and streams follow at once and MLflow, Postgres
and the history never tell three stories. What cannot be served is refused before anything moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from aurora.errors import AuroraError
from aurora.models.catalogue import model_spec, registered_name
from aurora.predictions.artifact import ArtifactMetadata
from aurora.predictions.storage import CHALLENGER, CHAMPION, read_versions
from pipelines.training.alias_history import Cause, read_champions, version_before
from pipelines.training.champion import NOT_THERE, load_version, version_under
from pipelines.training.publishing import alone, move_alias, publish_aliases, refuse_foreign
from pipelines.training.tracking import LEAK_TAG, connect

if TYPE_CHECKING:
    from mlflow import MlflowClient

_WORDS_OF_A_LEAK = "look for a leak"
"""How the gate ends the sentence of a suspected leak. Versions from before the tag have only that."""


class VersionNotFoundError(AuroraError):
    def __init__(self, name: str, version: str) -> None:
        super().__init__(f"{name} has no version {version} in MLflow")


class NoChallengerError(AuroraError):
    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has no challenger to promote: name a version with --version")


class SuspectedLeakError(AuroraError):
    def __init__(self, name: str, version: str) -> None:
        super().__init__(
            f"{name} version {version} was refused as a suspected leak; --force promotes it all the same"
        )


class NothingToRollBackError(AuroraError):
    def __init__(self, name: str) -> None:
        super().__init__(f"the history knows no champion of {name} before the present one")


class CannotRollBackError(AuroraError):
    def __init__(self, name: str, version: str, reason: str) -> None:
        super().__init__(
            f"{name} version {version} was champion before and cannot be put back ({reason}); "
            "`aurora promote` with another --version can"
        )


class NotPublishedError(AuroraError):
    def __init__(self, name: str, version: str, problems: tuple[str, ...]) -> None:
        super().__init__(
            f"{name} version {version} is champion in MLflow and does not serve yet ({'; '.join(problems)}); "
            "publishing is tried again each minute"
        )


@dataclass(frozen=True)
class ChampionMove:
    """Which version is champion now, which one served before, and what publishing could not do, in words."""

    name: str
    version: str
    previous: str | None
    problems: tuple[str, ...] = ()

    @property
    def is_new(self) -> bool:
        return self.version != self.previous


def promote(
    connection: psycopg.Connection[Any],
    model: str,
    cohort: str,
    *,
    mlflow_uri: str,
    because: str,
    version: str | None = None,
    moved_by: str | None = None,
    dagster_run_id: str | None = None,
    force: bool = False,
) -> ChampionMove:
    """Make a version champion, the challenger when none is named. `connection` must be in autocommit."""
    client, name = connect(mlflow_uri), registered_name(model_spec(model).name, cohort)
    wanted = version or version_under(client, name, CHALLENGER)
    if wanted is None:
        raise NoChallengerError(name)
    refuse_foreign(name, wanted, _metadata_of(client, name, wanted))
    if not force and _is_suspected_leak(client, name, wanted):
        raise SuspectedLeakError(name, wanted)
    cause = Cause("promote", because, moved_by, dagster_run_id)
    with alone(connection):
        return _move(connection, client, mlflow_uri, name, wanted, cause)


def roll_back(
    connection: psycopg.Connection[Any],
    model: str,
    cohort: str,
    *,
    mlflow_uri: str,
    because: str | None = None,
    moved_by: str | None = None,
    dagster_run_id: str | None = None,
) -> ChampionMove:
    """Put back the champion before the present one, as the history tells it; again, the one before that.

    `connection` must be in autocommit.
    """
    client, name = connect(mlflow_uri), registered_name(model_spec(model).name, cohort)
    with alone(connection):
        # A hand may have moved the alias in MLflow a moment ago: the history has to know before it is asked.
        publish_aliases(connection, mlflow_uri)
        version = version_before(read_champions(connection, name))
        if version is None:
            raise NothingToRollBackError(name)
        try:
            _metadata_of(client, name, version)
        except AuroraError as error:
            raise CannotRollBackError(name, version, str(error)) from error
        cause = Cause("rollback", because or "rolled back", moved_by, dagster_run_id)
        return _move(connection, client, mlflow_uri, name, version, cause)


def _metadata_of(client: MlflowClient, name: str, version: str) -> ArtifactMetadata:
    """What the version says of itself, once it has been seen to exist and to load."""
    from mlflow.exceptions import MlflowException

    try:
        client.get_model_version(name, version)
    except MlflowException as error:
        if error.error_code not in NOT_THERE:
            raise
        raise VersionNotFoundError(name, version) from error
    return load_version(name, version).loaded_whole().metadata


def _is_suspected_leak(client: MlflowClient, name: str, version: str) -> bool:
    tags = client.get_model_version(name, version).tags
    return tags.get(LEAK_TAG) == "suspected" or _WORDS_OF_A_LEAK in tags.get("gate_reason", "")


def _move(
    connection: psycopg.Connection[Any],
    client: MlflowClient,
    mlflow_uri: str,
    name: str,
    version: str,
    cause: Cause,
) -> ChampionMove:
    """Also where MLflow has it as champion already: what was moved there may never have been published."""
    move_alias(client, name, CHAMPION, version, cause)
    if version_under(client, name, CHALLENGER) == version:
        move_alias(client, name, CHALLENGER, None, cause)
    published = publish_aliases(connection, mlflow_uri)
    if read_versions(connection).get(name) != version:
        raise NotPublishedError(name, version, published.problems)
    moves = {(move.name, move.alias): move for move in published.moves}
    moved = moves.get((name, CHAMPION))
    return ChampionMove(name, version, moved.previous if moved else version, published.problems)
