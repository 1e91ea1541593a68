"""What docs/ml-engineers.md has for copying, as somebody runs it who has a cohort with one training."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from aurora import clock
from aurora.settings import PROJECT_DIR
from tests.pipelines.training.new_terminal import a_new_terminal
from tests.pipelines.training.quick_training import train
from tests.pipelines.training.warehouse import START, add_people

BLOCKS: Final = re.findall(
    r"```(\w+)\n(.*?)```", (PROJECT_DIR / "docs/ml-engineers.md").read_text(), re.DOTALL
)
AURORA: Final = f"{sys.executable} -W ignore -c 'from aurora.cli import main; main()'"
PYTHON: Final = [code for language, code in BLOCKS if language == "python"]


@pytest.mark.slow
def test_python_and_the_commands_of_the_registry_run_as_written(
    connection: psycopg.Connection[Any], pipelines_url: str, mlflow_uri: str, tmp_path: Path
) -> None:
    today = (clock.now() - START) // timedelta(days=1)
    add_people(connection, cohort="simulated-seed7", first_day=today - 60)
    train(connection, mlflow_uri, cohort="simulated-seed7")
    terminal = a_new_terminal(pipelines_url, mlflow_uri, tmp_path)
    (commands,) = (code for _, code in BLOCKS if "aurora rollback" in code)

    def said(*command: str) -> str:
        ran = subprocess.run(
            command, env=terminal, cwd=PROJECT_DIR, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, f"{command[-1]}\n{ran.stderr}{ran.stdout}"
        return ran.stdout

    pages = [said(sys.executable, "-W", "ignore", "-c", code) for code in PYTHON]
    told = said("bash", "-e", "-c", commands.replace(".venv/bin/aurora", AURORA))

    runs, model, recipes = pages
    assert "promoted" in runs
    assert "energy_ewma_28d" in model
    assert re.search(r"slower \d", recipes)
    assert "energy.simulated-seed7 version 2: " in told
    assert "version 1 put back; before: 2" in told.replace("\n", " ")


def test_every_parameter_of_mlflow_run_is_one_of_the_project() -> None:
    project = (PROJECT_DIR / "mlflow/MLproject").read_text()
    asked = {name for _, code in BLOCKS for name in re.findall(r"-P (\w+)=", code)}

    assert asked
    assert {name for name in asked if f"{{{name}}}" not in project} == set()
