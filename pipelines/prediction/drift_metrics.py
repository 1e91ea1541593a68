"""The metrics of drift, written by a process of their own: `… MODEL PSI MOVED [MODEL PSI MOVED …]`.

In a process of its own, since where a metric goes is decided when prometheus_client is imported. One file whatever
the process is called: the newest measurement replaces the one before.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from prometheus_client import Gauge, values
from prometheus_client.values import MultiProcessValue


def publish_drift(measured: Sequence[tuple[str, float, int]], data_dir: Path) -> None:
    """Write registered name, largest PSI and number of moved columns of each model for the API to add up.

    A PSI that nothing is known of is NaN.
    """
    if not measured:
        return
    folder = data_dir / "run" / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(  # noqa: S603  # our own module; the arguments are no shell's
        [
            sys.executable,
            "-m",
            "pipelines.prediction.drift_metrics",
            *(str(part) for one in measured for part in one),
        ],
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
        check=True,
    )


def main(arguments: Sequence[str]) -> None:
    values.ValueClass = MultiProcessValue(process_identifier=lambda: "drift")
    largest = Gauge(
        "aurora_predictions_drift_largest_psi",
        "Largest population stability index of a column against what the champion was trained on",
        ["model"],
        multiprocess_mode="mostrecent",
    )
    moved = Gauge(
        "aurora_predictions_drift_moved_columns",
        "Columns that have moved away from what the champion was trained on",
        ["model"],
        multiprocess_mode="mostrecent",
    )
    for model, psi, columns in zip(*[iter(arguments)] * 3, strict=True):
        largest.labels(model).set(float(psi))
        moved.labels(model).set(int(columns))


if __name__ == "__main__":
    main(sys.argv[1:])
