"""The sensor that imports what lands in the landing folder."""

from __future__ import annotations

import hashlib
from typing import Final

import dagster as dg

from aurora import clock
from pipelines.ingestion.assets import MAX_RUNTIME, import_rows, store_events
from pipelines.ingestion.landing import LandedFile, landed_files
from pipelines.resources import SettingsResource

NAME: Final = "import_files_when_landed"
_UNDER_WAY: Final = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


@dg.sensor(
    name=NAME,
    target=[import_rows, store_events],
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Imports the files in the landing folder: landing/<mapping>/file.csv. See docs/ingestion.md.",
)
def import_files_when_landed(
    context: dg.SensorEvaluationContext, settings: SettingsResource
) -> dg.RunRequest | dg.SkipReason:
    """One run for all files that wait; while it runs, later ones wait for the next."""
    landing_dir = settings.load().landing_dir
    files = landed_files(landing_dir)
    if not files:
        return dg.SkipReason(f"no file waits in {landing_dir}")
    under_way = context.instance.get_runs_count(
        dg.RunsFilter(tags={"dagster/sensor_name": NAME}, statuses=_UNDER_WAY)
    )
    if under_way:
        return dg.SkipReason("the last landed files are still being imported")
    now = clock.now()
    return dg.RunRequest(
        run_key=f"{now:%Y-%m-%dT%H}-{_digest(files)}",
        partition_key=now.date().isoformat(),
        tags={**MAX_RUNTIME, "aurora/files": str(len(files))},
    )


def _digest(files: list[LandedFile]) -> str:
    # The hour is in the key too: files that a failed run has left behind are tried again.
    return hashlib.sha256("\n".join(file.identity for file in files).encode()).hexdigest()[:16]


INGESTION_SENSORS: Final = [import_files_when_landed]
