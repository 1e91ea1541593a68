"""The run that `mlflow run` makes before it starts a training, and the runs that the training makes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.training.tracking import connect

if TYPE_CHECKING:
    from mlflow import MlflowClient

_RUN_ID = "MLFLOW_RUN_ID"


@dataclass(frozen=True)
class ProjectRun:
    """A run that holds no training itself: the runs below it do."""

    client: MlflowClient
    run_id: str

    def is_parent_of(self, run_id: str) -> None:
        """Have MLflow show the run of a training below this one."""
        self.client.set_tag(run_id, "mlflow.parentRunId", self.run_id)


def take_project_run(mlflow_uri: str, experiment: str, *, is_alone: bool) -> ProjectRun | None:
    """Which run the trainings of this process go below; None when there is none, or when it becomes the training's own.

    MLflow continues the run that the environment names. That is right for the only training of this process, in
    the experiment of its model (`mlflow run --experiment-name energy`). In another experiment MLflow refuses, once
    all has been trained; and without MLFLOW_TRACKING_URI `mlflow run` has made its run in a file of its own.
    """
    from mlflow.exceptions import MlflowException

    run_id = os.environ.get(_RUN_ID)
    if run_id is None:
        return None
    client = connect(mlflow_uri)
    try:
        made_in = client.get_experiment(client.get_run(run_id).info.experiment_id).name
    except MlflowException:
        del os.environ[_RUN_ID]
        return None
    if is_alone and made_in == experiment:
        return None
    del os.environ[_RUN_ID]
    return ProjectRun(client, run_id)
