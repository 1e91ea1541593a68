"""The sensor that makes Postgres follow the aliases in MLflow, also when a hand moved one in its UI."""

# Without postponed annotations: Dagster reads those of a sensor as it is defined.
from typing import Final

import dagster as dg

from pipelines.resources import PostgresResource, SettingsResource


@dg.sensor(
    name="publish_models_when_alias_moves",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Copies the models behind MLflow's aliases into Postgres, where serving and streams load them.",
)
def publish_models_when_alias_moves(
    context: dg.SensorEvaluationContext, settings: SettingsResource, postgres: PostgresResource
) -> dg.SkipReason:
    """Nothing to run: publishing is quick and idempotent, so the sensor does it itself."""
    from pipelines.training.publishing import publish_aliases

    with postgres.connect(autocommit=True) as connection:
        published = publish_aliases(connection, settings.load().need("mlflow_uri"))
    for problem in published.problems:
        context.log.warning("%s", problem)
    moved = ", ".join(f"{move.name} {move.alias} → {move.version}" for move in published.moves)
    return dg.SkipReason(f"published {moved}" if moved else "Postgres agrees with MLflow")


TRAINING_SENSORS: Final = [publish_models_when_alias_moves]
