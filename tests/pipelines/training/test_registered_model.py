"""The registered model where AURORA is not installed: a fresh virtualenv with what the model says that it needs."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aurora.predictions.storage import read_predictor
from tests.fixtures.linked_virtualenv import link_virtualenv
from tests.pipelines.training.quick_training import train
from tests.pipelines.training.warehouse import add_people

ANSWER_THE_EXAMPLE = """
import importlib.util, json, sys
assert importlib.util.find_spec("aurora") is None, "AURORA is installed here"

import mlflow
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(sys.argv[2])
answers = model.predict(model.input_example)
few = model.predict(model.input_example[["avg_sleep_last_7d"]])

assert not {"pipelines", "polars", "psycopg"} & set(sys.modules)
json.dump([answers.to_dict("list"), few["answered_by"].tolist()], sys.stdout)
"""


@pytest.mark.slow
@pytest.mark.parametrize("model", ["energy", "mood"])
def test_with_nothing_but_its_own_requirements_it_answers_its_own_example(
    connection: psycopg.Connection[Any], mlflow_uri: str, tmp_path: Path, model: str
) -> None:
    import mlflow

    add_people(connection)
    train(connection, mlflow_uri, model)
    address = f"models:/{model}@champion"
    here = mlflow.pyfunc.load_model(address)
    requirements = Path(mlflow.pyfunc.get_model_dependencies(address)).read_text().splitlines()
    python = link_virtualenv(tmp_path / "virtualenv", requirements)

    asked = subprocess.run(
        [python, "-I", "-W", "ignore", "-c", ANSWER_THE_EXAMPLE, mlflow_uri, address],
        cwd=tmp_path,
        env={"PATH": os.defpath, "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    served = read_predictor(connection, model, "real")
    assert served is not None
    assert asked.returncode == 0, asked.stderr
    answers, of_few_columns = json.loads(asked.stdout)
    example: Any = here.input_example
    assert answers == here.predict(example).to_dict("list")
    assert answers["value"][0] == pytest.approx(served.predict(example.iloc[0].to_dict()).value)
    assert answers["answered_by"] == ["model"] * 3
    assert of_few_columns == ["global_mean"] * 3
