"""The environment of somebody who opens a terminal: addresses, and nothing that another test left behind."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def a_new_terminal(pipelines_url: str, mlflow_uri: str, home: Path) -> dict[str, str]:
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
        "HOME": str(home),
        "MLFLOW_TRACKING_URI": mlflow_uri,
        "AURORA_MLFLOW_URI": mlflow_uri,
        "AURORA_POSTGRES_URL": pipelines_url,
        "OMP_NUM_THREADS": "1",
    }
