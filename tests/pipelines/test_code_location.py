"""Dagster keeps each code location in a process of its own: what it imports, it holds all day."""

from __future__ import annotations

import json
import subprocess
import sys

from aurora.settings import PROJECT_DIR

TRAINING_OR_DATA = (
    "dask",
    "great_expectations",
    "lightgbm",
    "matplotlib",
    "mlflow",
    "pandas",
    "polars",
    "pyarrow",
    "scipy",
    "sklearn",
    "xgboost",
)
"""Some 200 MB together, which only a run needs: it has a process of its own and imports what it uses."""


def test_a_code_location_imports_nothing_that_trains_or_reads_data() -> None:
    code = "import json, sys; import pipelines.definitions; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_DIR, capture_output=True, text=True, check=True
    )
    imported = set(json.loads(run.stdout.splitlines()[-1]))

    assert "pipelines.training.assets" in imported
    assert imported.intersection(TRAINING_OR_DATA) == set()
