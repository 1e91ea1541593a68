"""Everything that Dagster runs, assembled: assets of the four verbs, their checks, jobs, schedules, sensors."""

from __future__ import annotations

import dagster as dg

from aurora.settings import load_settings
from pipelines.alerts import ALERT_SENSORS
from pipelines.asset_defaults import complete
from pipelines.ingestion.assets import INGESTION_ASSETS
from pipelines.ingestion.checks import INGESTION_CHECKS
from pipelines.ingestion.file_columns import FILE_CHECKS
from pipelines.ingestion.log_assets import LOG_ASSETS, LOG_CHECKS, LOG_JOBS, LOG_SCHEDULES
from pipelines.ingestion.rejections import REJECTION_CHECKS
from pipelines.ingestion.sensors import INGESTION_SENSORS
from pipelines.ingestion.volumes import VOLUME_CHECKS
from pipelines.prediction.accuracy_checks import ACCURACY_CHECKS
from pipelines.prediction.assets import PREDICTION_ASSETS, PREDICTION_CHECKS
from pipelines.prediction.drift_assets import DRIFT_ASSETS, DRIFT_CHECKS
from pipelines.resources import default_resources
from pipelines.schedules import JOBS, SCHEDULES
from pipelines.table_checks import table_checks
from pipelines.training.assets import MODEL_ASSETS, MODEL_CHECKS
from pipelines.training.jobs import TRAINING_JOBS
from pipelines.training.sensors import TRAINING_SENSORS
from pipelines.transformation.assets import WAREHOUSE_ASSETS, source_specs
from pipelines.transformation.checks import WAREHOUSE_CHECKS
from pipelines.transformation.pattern_assets import (
    PATTERN_ASSETS,
    PATTERN_CHECKS,
    PATTERN_JOBS,
    PATTERN_SCHEDULES,
)

_ASSETS = [
    *INGESTION_ASSETS,
    *LOG_ASSETS,
    *WAREHOUSE_ASSETS,
    *MODEL_ASSETS,
    *PREDICTION_ASSETS,
    *DRIFT_ASSETS,
    *PATTERN_ASSETS,
]
_SOURCES = source_specs(made={key for asset in _ASSETS for key in asset.keys})

_COMPLETE = complete([*_ASSETS, *_SOURCES], load_settings())

defs = dg.Definitions(
    assets=_COMPLETE,
    asset_checks=[
        *INGESTION_CHECKS,
        *REJECTION_CHECKS,
        *VOLUME_CHECKS,
        *FILE_CHECKS,
        *LOG_CHECKS,
        *WAREHOUSE_CHECKS,
        *MODEL_CHECKS,
        *PREDICTION_CHECKS,
        *DRIFT_CHECKS,
        *ACCURACY_CHECKS,
        *PATTERN_CHECKS,
        *table_checks(asset for asset in _COMPLETE if isinstance(asset, dg.AssetsDefinition)),
    ],
    jobs=[*JOBS, *LOG_JOBS, *PATTERN_JOBS, *TRAINING_JOBS],
    schedules=[*SCHEDULES, *LOG_SCHEDULES, *PATTERN_SCHEDULES],
    sensors=[*INGESTION_SENSORS, *TRAINING_SENSORS, *ALERT_SENSORS],
    resources=default_resources(),
    executor=dg.in_process_executor,
)
