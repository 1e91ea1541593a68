"""`mlflow run ./mlflow`, as somebody types it in a new terminal: nothing is in the environment but addresses."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import mlflow
import psycopg
import pytest
from mlflow import MlflowClient
from mlflow.utils.environment import _PythonEnv
from mlflow.utils.virtualenv import _get_virtualenv_name
from packaging.requirements import Requirement

from aurora.settings import PROJECT_DIR
from pipelines.training.project_run import take_project_run
from pipelines.training.tracking import connect
from tests.fixtures.linked_virtualenv import link_virtualenv
from tests.pipelines.training.new_terminal import a_new_terminal
from tests.pipelines.training.quick_training import train
from tests.pipelines.training.warehouse import add_people

PROJECT: Final = PROJECT_DIR / "mlflow"
NEEDED: Final[list[str]] = _PythonEnv.from_yaml(PROJECT / "python_env.yaml").dependencies


def mlflow_run(environment: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mlflow", "run", "./mlflow", *options],
        env=environment,
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_without_parameters_it_trains_whoever_has_ratings_in_the_environment_at_hand(
    connection: psycopg.Connection[Any], pipelines_url: str, mlflow_uri: str, tmp_path: Path
) -> None:
    add_people(connection, cohort="simulated-seed7")
    before = train(connection, mlflow_uri, cohort="simulated-seed7")

    ran = mlflow_run(a_new_terminal(pipelines_url, mlflow_uri, tmp_path), "--env-manager", "local")

    assert ran.returncode == 0, ran.stderr
    assert "energy.simulated-seed7 2: " in ran.stdout
    client = connect(mlflow_uri)
    again = client.get_run(client.get_model_version("energy.simulated-seed7", "2").run_id or "")
    above = client.get_run(again.data.tags["mlflow.parentRunId"])
    assert again.data.tags["data_version"] == before.data_version
    assert client.get_experiment(again.info.experiment_id).name == "energy"
    assert client.get_experiment(above.info.experiment_id).name == "Default"
    assert above.info.status == "FINISHED"


@pytest.mark.slow
def test_with_an_environment_of_its_own_it_needs_no_more_than_it_lists(
    connection: psycopg.Connection[Any], pipelines_url: str, mlflow_uri: str, tmp_path: Path
) -> None:
    add_people(connection)
    train(connection, mlflow_uri)
    # Where MLflow would have made it with pyenv and an index, and looks before it does.
    name = _get_virtualenv_name(_PythonEnv.from_yaml(PROJECT / "python_env.yaml"), PROJECT)
    link_virtualenv(tmp_path / "environments" / name, NEEDED)
    terminal = a_new_terminal(pipelines_url, mlflow_uri, tmp_path)

    ran = mlflow_run(
        terminal | {"MLFLOW_ENV_ROOT": str(tmp_path / "environments")},
        "--experiment-name",
        "energy",
        "-P",
        "cohort=real",
    )

    assert ran.returncode == 0, ran.stderr
    assert "energy 2: " in ran.stdout
    client = connect(mlflow_uri)
    run = client.get_run(client.get_model_version("energy", "2").run_id or "")
    assert run.data.params["cohort"] == "real", "the run of `mlflow run` is the run of the training"
    assert "mae/model" in run.data.metrics
    assert "mlflow.parentRunId" not in run.data.tags


def test_its_requirements_are_those_of_the_lock() -> None:
    lock = (PROJECT_DIR / "requirements.lock").read_text()
    locked = [Requirement(line) for line in re.findall(r"(?m)^([a-z][^\n\\]*)", lock)]

    def pin(requirement: Requirement) -> tuple[str, ...]:
        return requirement.name, str(requirement.specifier), str(requirement.marker)

    assert {pin(Requirement(line)) for line in NEEDED} - {pin(requirement) for requirement in locked} == set()


def made_by_mlflow_run(client: MlflowClient, experiment: str, monkeypatch: pytest.MonkeyPatch) -> str:
    known = client.get_experiment_by_name(experiment)
    number = known.experiment_id if known else client.create_experiment(experiment)
    run_id = client.create_run(number).info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
    return run_id


def test_a_run_of_another_experiment_is_not_continued_and_is_the_parent(
    mlflow_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connect(mlflow_uri)
    made = made_by_mlflow_run(client, "Default", monkeypatch)

    taken = take_project_run(mlflow_uri, "energy", is_alone=True)
    mlflow.set_experiment("energy")
    with mlflow.start_run() as run:
        pass
    assert taken is not None
    taken.is_parent_of(run.info.run_id)

    assert run.info.run_id != made
    assert client.get_run(run.info.run_id).data.tags["mlflow.parentRunId"] == made


def test_one_run_is_not_continued_by_the_trainings_of_several_cohorts(
    mlflow_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = made_by_mlflow_run(connect(mlflow_uri), "energy", monkeypatch)

    assert take_project_run(mlflow_uri, "energy", is_alone=True) is None
    assert os.environ["MLFLOW_RUN_ID"] == made
    assert take_project_run(mlflow_uri, "energy", is_alone=False) is not None
    assert "MLFLOW_RUN_ID" not in os.environ


def test_a_run_that_this_mlflow_does_not_have_is_left_alone(
    mlflow_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "0123456789abcdef0123456789abcdef")

    assert take_project_run(mlflow_uri, "energy", is_alone=True) is None
    assert "MLFLOW_RUN_ID" not in os.environ
