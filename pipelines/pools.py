"""Concurrency pools: what must not run beside itself waits in the queue instead of failing at a lock.

`dagster.yaml` (infra/dagster_home.py) gives every pool one slot, which a run holds from start to end. A run that
was killed therefore holds it until run monitoring has ended it, as it does a place among the runs.
Ingestion has none: imports are kept apart by a lock on their file, and a landed file never waits for a build.
"""

from __future__ import annotations

from typing import Final

WAREHOUSE: Final = "warehouse"
"""dbt builds, and the archive, which takes months away under them."""
TRAINING: Final = "training"
PREDICTION: Final = "prediction"
