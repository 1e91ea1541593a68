"""The metrics of drift, written by a process of their own: `… MODEL PSI MOVED [MODEL PSI MOVED …]`.

One file whatever the process is called: the newest measurement replaces the one before.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from prometheus_client import Gauge, values
from prometheus_client.values import MultiProcessValue

from pipelines.metrics_process import write_metrics


def publish_drift(measured: Sequence[tuple[str, float, int]], data_dir: Path) -> None:
    """Write registered name, largest PSI and number of moved columns of each model for the API to add up.

    A PSI that nothing is known of is NaN.
    """
    if not measured:
        return
    write_metrics(__name__, [part for one in measured for part in one], data_dir)


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
