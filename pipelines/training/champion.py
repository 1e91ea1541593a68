"""The champion as the registry knows it: its predictor, and what it said on the held-out days of its
evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from aurora.predictions.predictor import Predictor
from aurora.predictions.storage import CHAMPION

if TYPE_CHECKING:
    from mlflow import MlflowClient

PREDICTOR_FILE = "predictor.aurora"
HELD_OUT_FILE = "held_out.parquet"
EVALUATION_FOLDER = "evaluation"


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
        """Labels known later than this were not trained on."""
        return float(self.predictor.metadata.trained.get("until", float("inf")))


def read_champion(client: MlflowClient, name: str) -> Champion | None:
    """The champion of a registered model, or None when the model or the alias does not exist."""
    from mlflow.exceptions import MlflowException

    try:
        version = client.get_model_version_by_alias(name, CHAMPION)
    except MlflowException:
        return None
    artifact = download_artifact(name, version.version)
    return Champion(
        version=version.version,
        predictor=Predictor.load(artifact, version=version.version),
        held_out_losses=_held_out_losses(version.run_id),
    )


def download_artifact(name: str, version: str) -> bytes:
    """The predictor inside a registered version."""
    from mlflow.artifacts import download_artifacts

    return Path(download_artifacts(f"models:/{name}/{version}/artifacts/{PREDICTOR_FILE}")).read_bytes()


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
