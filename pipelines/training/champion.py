"""The champion as the registry knows it: its predictor, and what it said on the held-out days of its
evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from aurora.errors import AuroraError
from aurora.predictions.predictor import Predictor
from aurora.predictions.storage import CHAMPION

if TYPE_CHECKING:
    from mlflow import MlflowClient

PREDICTOR_FILE = "predictor.aurora"
HELD_OUT_FILE = "held_out.parquet"
EVALUATION_FOLDER = "evaluation"
MODEL_CARD_FILE = "model_card.html"
NOT_THERE = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})
"""How MLflow says that there is no such model, version or alias."""


@dataclass(frozen=True)
class Champion:
    """A registered version under the alias `champion`. Label → loss, for labels it had not seen."""

    version: str
    predictor: Predictor
    held_out_losses: dict[str, float]

    @property
    def fingerprint(self) -> str:
        return self.predictor.metadata.fingerprint

    @property
    def trained_until(self) -> float:
        return trained_until(self.predictor)


def trained_until(predictor: Predictor) -> float:
    """Labels known later than this instant (seconds) were not trained on."""
    return float(predictor.metadata.trained.get("until", float("inf")))


def read_champion(client: MlflowClient, name: str) -> Champion | None:
    """The champion of a registered model, or None when the model or the alias does not exist."""
    version = version_under(client, name, CHAMPION)
    if version is None:
        return None
    return Champion(
        version=version,
        predictor=load_version(name, version),
        held_out_losses=_held_out_losses(client.get_model_version(name, version).run_id),
    )


def version_under(client: MlflowClient, name: str, alias: str) -> str | None:
    """The version under an alias, or None when the model or the alias does not exist."""
    from mlflow.exceptions import MlflowException

    try:
        return str(client.get_model_version_by_alias(name, alias).version)
    except MlflowException as error:
        # A registry that is away is no registry without a champion.
        if error.error_code in NOT_THERE:
            return None
        raise


def load_version(name: str, version: str) -> Predictor:
    """The predictor of a registered version, loaded as serving would; AuroraError when that cannot be."""
    return Predictor.load(download_artifact(name, version), version=version)


class ArtifactNotFoundError(AuroraError):
    def __init__(self, name: str, version: str) -> None:
        super().__init__(
            f"{name} version {version} holds no predictor; only AURORA's own models can be served"
        )


def download_artifact(name: str, version: str) -> bytes:
    """The predictor inside a registered version, or ArtifactNotFoundError."""
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    try:
        path = download_artifacts(f"models:/{name}/{version}/artifacts/{PREDICTOR_FILE}")
        return Path(path).read_bytes()
    except (MlflowException, OSError) as error:
        raise ArtifactNotFoundError(name, version) from error


def _held_out_losses(run_id: str | None) -> dict[str, float]:
    """What the run wrote down of its held-out days; nothing when the version came without (e.g. by hand)."""
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    if not run_id:
        return {}
    try:
        path = download_artifacts(run_id=run_id, artifact_path=f"{EVALUATION_FOLDER}/{HELD_OUT_FILE}")
    except (MlflowException, OSError):
        return {}
    frame = pl.read_parquet(path)
    return dict(zip(frame["label_event_id"].to_list(), frame["loss"].to_list(), strict=True))
