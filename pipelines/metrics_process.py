"""Metrics of pipelines, each kind written by a process of its own: where a metric goes is decided when
prometheus_client is imported, and a run must not decide it for the process that it runs in.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def write_metrics(module: str, arguments: Sequence[object], data_dir: Path) -> None:
    """Run a module that writes metrics, into the folder that the API adds up. Raises CalledProcessError."""
    folder = data_dir / "run" / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(  # noqa: S603  # our own module; the arguments are no shell's
        [sys.executable, "-m", module, *map(str, arguments)],
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
        check=True,
    )
