"""Everything that Dagster runs, assembled: assets of the four verbs, their checks, jobs, schedules, sensors."""

from __future__ import annotations

import dagster as dg

from pipelines.ingestion.assets import INGESTION_ASSETS
from pipelines.ingestion.checks import INGESTION_CHECKS
from pipelines.ingestion.log_assets import LOG_ASSETS, LOG_CHECKS, LOG_JOBS, LOG_SCHEDULES
from pipelines.ingestion.rejections import REJECTION_CHECKS
from pipelines.ingestion.sensors import INGESTION_SENSORS
from pipelines.prediction.assets import PREDICTION_ASSETS, PREDICTION_CHECKS
from pipelines.resources import default_resources
from pipelines.schedules import JOBS, SCHEDULES, log_failure_when_run_fails
from pipelines.training.assets import MODEL_ASSETS, MODEL_CHECKS
from pipelines.training.sensors import TRAINING_SENSORS
from pipelines.transformation.assets import WAREHOUSE_ASSETS
from pipelines.transformation.checks import WAREHOUSE_CHECKS

defs = dg.Definitions(
    assets=[*INGESTION_ASSETS, *LOG_ASSETS, *WAREHOUSE_ASSETS, *MODEL_ASSETS, *PREDICTION_ASSETS],
    asset_checks=[
        *INGESTION_CHECKS,
        *REJECTION_CHECKS,
        *LOG_CHECKS,
        *WAREHOUSE_CHECKS,
        *MODEL_CHECKS,
        *PREDICTION_CHECKS,
    ],
    jobs=[*JOBS, *LOG_JOBS],
    schedules=[*SCHEDULES, *LOG_SCHEDULES],
    sensors=[*INGESTION_SENSORS, *TRAINING_SENSORS, log_failure_when_run_fails],
    resources=default_resources(),
    executor=dg.in_process_executor,
)
