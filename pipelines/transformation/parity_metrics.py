"""The metrics of the parity check, written by a process of their own: `… MISMATCHES PEOPLE`.

One file whatever the process is called: the newest check replaces the one before.
"""

from __future__ import annotations

import sys

from prometheus_client import Gauge, values
from prometheus_client.values import MultiProcessValue


def main(mismatches: float, people: float) -> None:
    values.ValueClass = MultiProcessValue(process_identifier=lambda: "parity")
    for name, meaning, number in (
        (
            "aurora_features_parity_mismatches",
            "Feature values that live state and warehouse disagree on",
            mismatches,
        ),
        (
            "aurora_features_parity_people",
            "People whose live vectors were compared with the warehouse's",
            people,
        ),
    ):
        Gauge(name, f"{meaning}, at the last check", multiprocess_mode="mostrecent").set(number)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
