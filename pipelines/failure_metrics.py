"""The metrics of what failed, written by a process of their own: `… WHAT JOB COUNT`.

One file whichever process counts: what it holds is read first and counted on.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from prometheus_client import Counter, values
from prometheus_client.values import MultiProcessValue

from pipelines.metrics_process import write_metrics

METRICS: Final = {
    "runs": ("aurora_pipelines_failed_runs_total", "Runs that failed"),
    "checks": ("aurora_pipelines_failed_checks_total", "Checks that went red in a run that succeeded"),
}


def count_failure(what: str, job: str, data_dir: Path, count: int = 1) -> None:
    """Count failed `runs` or `checks` of a job, in the folder that the API adds up."""
    write_metrics(__name__, (what, job, count), data_dir)


def main(what: str, job: str, count: str) -> None:
    values.ValueClass = MultiProcessValue(process_identifier=lambda: "failures")
    name, meaning = METRICS[what]
    Counter(name, meaning, ["job"]).labels(job).inc(int(count))


if __name__ == "__main__":
    main(*sys.argv[1:])
