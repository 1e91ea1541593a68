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
from aurora.predictions.storage import CHALLENGER, CHAMPION
from pipelines.training.alias_history import Cause, read_champions, version_before
from pipelines.training.champion import load_version, remove_challenger, version_under
from pipelines.training.publishing import alone, publish_aliases
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


class VersionUnsuitableError(AuroraError):
    def __init__(self, name: str, version: str, reason: str) -> None:
        super().__init__(f"{name} version {version} {reason}; --force promotes it all the same")


class NothingToRollBackError(AuroraError):
    def __init__(self, name: str) -> None:
        super().__init__(f"the history knows no champion of {name} before the present one")


class CannotRollBackError(AuroraError):
    def __init__(self, name: str, version: str, reason: str) -> None:
        super().__init__(
            f"{name} version {version} was champion before and cannot be put back ({reason}); "
            "`aurora promote` with another --version can"
        )


@dataclass(frozen=True)
class ChampionMove:
    """Which version is champion now, which one was before, and what publishing could not do, in words."""

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
    _refuse_unloadable(client, name, wanted)
    if not force:
        _refuse_unsuitable(client, model, cohort, wanted)
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
            _refuse_unloadable(client, name, version)
        except AuroraError as error:
            raise CannotRollBackError(name, version, str(error)) from error
        cause = Cause("rollback", because or "rolled back", moved_by, dagster_run_id)
        return _move(connection, client, mlflow_uri, name, version, cause)


def _refuse_unloadable(client: MlflowClient, name: str, version: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.get_model_version(name, version)
    except MlflowException as error:
        raise VersionNotFoundError(name, version) from error
    load_version(name, version)


def _refuse_unsuitable(client: MlflowClient, model: str, cohort: str, version: str) -> None:
    """Refuse what the gate suspected of a leak, and what was made for others."""
    name = registered_name(model, cohort)
    tags = client.get_model_version(name, version).tags
    if tags.get(LEAK_TAG) == "suspected" or _WORDS_OF_A_LEAK in tags.get("gate_reason", ""):
        raise VersionUnsuitableError(name, version, "was refused as a suspected leak")
    metadata = load_version(name, version).metadata
    if (metadata.model_name, metadata.cohort) != (model, cohort):
        made_for = f"is a model of {metadata.model_name} for cohort {metadata.cohort}"
        raise VersionUnsuitableError(name, version, made_for)


def _move(
    connection: psycopg.Connection[Any],
    client: MlflowClient,
    mlflow_uri: str,
    name: str,
    version: str,
    cause: Cause,
) -> ChampionMove:
    previous = version_under(client, name, CHAMPION)
    if previous == version:
        return ChampionMove(name, version, previous)
    client.set_registered_model_alias(name, CHAMPION, version)
    if version_under(client, name, CHALLENGER) == version:
        remove_challenger(client, name)
    causes = {(name, CHAMPION): cause, (name, CHALLENGER): cause}
    published = publish_aliases(connection, mlflow_uri, causes=causes)
    return ChampionMove(name, version, previous, published.problems)
