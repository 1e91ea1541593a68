"""The metrics of what failed, written by a process of their own: `… WHAT JOB COUNT`.

In a process of its own, since where a metric goes is decided when prometheus_client is imported. One file
whichever process counts: what it holds is read first and counted on.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from prometheus_client import Counter, values
from prometheus_client.values import MultiProcessValue

METRICS: Final = {
    "runs": ("aurora_pipelines_failed_runs_total", "Runs that failed"),
    "checks": ("aurora_pipelines_failed_checks_total", "Checks that went red in a run that succeeded"),
}


def count_failure(what: str, job: str, data_dir: Path, count: int = 1) -> None:
    """Count failed `runs` or `checks` of a job, in the folder that the API adds up."""
    folder = data_dir / "run" / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(  # noqa: S603  # our own module; the arguments are no shell's
        [sys.executable, "-m", "pipelines.failure_metrics", what, job, str(count)],
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
        check=True,
    )


def main(what: str, job: str, count: str) -> None:
    values.ValueClass = MultiProcessValue(process_identifier=lambda: "failures")
    name, meaning = METRICS[what]
    Counter(name, meaning, ["job"]).labels(job).inc(int(count))


if __name__ == "__main__":
    main(*sys.argv[1:])
